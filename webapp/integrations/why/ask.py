"""Asking about one person, and what the database knows beside the answer. Waking a worker is the caller's next step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.match_keys import match_key
from webapp.core.models import Exclusion, Integration, Person, Question, User, is_here, utcnow
from webapp.integrations.why.answer import open_count
from webapp.platforms.registry import PLATFORMS

MOST_OPEN = 5  # questions about one integration that wait at once: each reads the whole list
RECENT = 8


class NotConnected(Exception):
    """The platform is not connected, so nobody can be looked for there."""


class TooMany(Exception):
    """Enough questions wait for their answer already."""


@dataclass(frozen=True)
class KnownHere:
    """A user or a remembered person who fits the question although the list does not have them."""

    name: str
    email: str | None
    user_id: int | None
    status: str | None
    missing_since: datetime | None


def ask(integration_id: int, text: str, by: str) -> Question:
    """A question as soon as a worker is free; the one that waits already when it is the same.

    Raises :class:`NotConnected` or :class:`TooMany`.
    """
    with write_transaction() as session:
        integration = session.scalars(
            sa.select(Integration)
            .where(Integration.id == integration_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).one()
        if integration.connection != "connected":
            raise NotConnected
        same = session.scalars(
            sa.select(Question)
            .where(
                Question.integration_id == integration_id, Question.state == "queued", Question.text == text
            )
            .limit(1)
        ).one_or_none()
        if same is not None:
            return same
        if open_count(session, integration_id) >= MOST_OPEN:
            raise TooMany
        question = Question(
            contract_id=integration.contract_id,
            integration_id=integration_id,
            text=text,
            asked_by=by[:255],
            asked_at=utcnow(),
        )
        session.add(question)
        session.flush()
        log.record(
            session,
            "user_sync.asked",
            PLATFORMS[integration.platform].label,
            contract_id=integration.contract_id,
            target_type="integration",
            target_id=integration_id,
            details={"looked for": text},
        )
        return question


def recent(session: Session, integration_id: int) -> Sequence[Question]:
    """The last questions about an integration, the newest first."""
    return session.scalars(
        sa.select(Question)
        .where(Question.integration_id == integration_id)
        .order_by(Question.id.desc())
        .limit(RECENT)
    ).all()


def users_named(session: Session, contract_id: int, ids: Collection[int]) -> dict[int, User]:
    """Those of the users ``ids`` that are of the contract, by id."""
    if not ids:
        return {}
    found = session.scalars(sa.select(User).where(User.contract_id == contract_id, User.id.in_(ids)))
    return {user.id: user for user in found}


def exclusion_of(session: Session, integration_id: int, remote_id: str, excluded: str) -> Exclusion | None:
    """The exclusion an answer speaks of, unless it was taken back since."""
    kind, value = ("person", remote_id) if excluded == "person" else ("email", excluded)
    return session.scalars(
        sa.select(Exclusion).where(
            Exclusion.integration_id == integration_id, Exclusion.kind == kind, Exclusion.value == value
        )
    ).one_or_none()


def known_here(session: Session, contract_id: int, integration_id: int, text: str) -> list[KnownHere]:
    """Up to five who fit ``text`` here: people of the integration as last seen, else users."""
    needle = match_key(text)
    if needle is None:
        return []
    people = session.execute(
        sa.select(Person.name, Person.email, Person.remote_id, Person.missing_since, User.id, User.status)
        .outerjoin(User, User.id == Person.user_id)
        .where(
            Person.integration_id == integration_id,
            sa.or_(
                *(
                    sa.func.lower(column).contains(needle, autoescape=True)
                    for column in (Person.name, Person.email)
                ),
                Person.remote_id == text.strip(),
            ),
        )
        .order_by(Person.id)
        .limit(5)
    ).all()
    if people:
        return [
            KnownHere(row.name or row.remote_id, row.email, row.id, row.status, row.missing_since)
            for row in people
        ]
    users = session.scalars(
        sa.select(User)
        .where(User.contract_id == contract_id, is_here(), User.search_key.contains(needle, autoescape=True))
        .order_by(User.id)
        .limit(5)
    )
    return [KnownHere(user.name, user.email, user.id, user.status, None) for user in users]
