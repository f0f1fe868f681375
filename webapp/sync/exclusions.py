"""Leaving people out and taking them back, in the caller's transaction. The next run does accordingly."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import insert_into, rows_changed
from webapp.core.match_keys import match_key
from webapp.core.models import Exclusion, Person, User, table_of, utcnow
from webapp.core.models.user import IGNORED

PATTERN = re.compile(r"[^\s@\[\]]*@[^\s@\[\]]+|[^\s@\[\]]+@[^\s@\[\]]*")
PATTERN_MAX = 255  # characters


class BadPattern(ValueError):
    """What was given cannot be a pattern for email addresses; the text says what to enter."""


def pattern_of(given: str) -> str:
    """The pattern as it is compared. A domain alone stands for everybody there. Raises :class:`BadPattern`."""
    text = match_key(given) or ""
    if text and "@" not in text:
        text = f"*@{text.removeprefix('*.')}" if not text.startswith("*.") else f"*@{text}"
    if len(text) > PATTERN_MAX or not text.isprintable() or not PATTERN.fullmatch(text):
        raise BadPattern(
            "Enter an email address or a domain; * stands for any characters, such as *@partner.example."
        )
    if not set(text) - set("*?@"):
        raise BadPattern("That would leave out everybody. Name a domain or a part of the address.")
    return text


def exclude(
    session: Session,
    contract_id: int,
    integration_id: int,
    kind: str,
    value: str,
    *,
    by: str,
    label: str = "",
) -> bool:
    """Add one exclusion (``person`` with a remote ID, ``email`` with a pattern); whether it is new."""
    added = session.execute(
        insert_into(session, table_of(Exclusion))
        .values(
            contract_id=contract_id,
            integration_id=integration_id,
            kind=kind,
            value=value,
            label=label,
            created_by=by,
        )
        .on_conflict_do_nothing()
        .returning(Exclusion.id)
    ).scalar()
    return added is not None


def exclude_person(session: Session, person: Person, by: str) -> None:
    """Leave ``person`` out from the next run on; a user they are linked to stays as they are.

    They count as left out at once: nobody is asked about them any more, and the next run looks at them again although
    nothing changed there.
    """
    label = person.name or person.email or person.remote_id
    exclude(
        session, person.contract_id, person.integration_id, "person", person.remote_id, by=by, label=label
    )
    person.outcome, person.reason, person.detail = "left_out", "excluded", None


def exclude_users(session: Session, user_ids: Sequence[int], by: str) -> None:
    """Leave out everybody who is one of these users, wherever they are listed; who is left out already stays so."""
    exclusions = table_of(Exclusion)
    linked = Person.user_id.in_(user_ids)
    label = sa.func.coalesce(sa.func.nullif(Person.name, ""), Person.email, Person.remote_id)
    people = sa.select(
        Person.contract_id,
        Person.integration_id,
        sa.literal("person"),
        Person.remote_id,
        label,
        sa.literal(utcnow(), exclusions.c.created_at.type),
        sa.literal(by),
    ).where(linked)
    columns = ["contract_id", "integration_id", "kind", "value", "label", "created_at", "created_by"]
    session.execute(insert_into(session, exclusions).from_select(columns, people).on_conflict_do_nothing())
    rows_changed(
        session,
        sa.update(Person)
        .where(linked, Person.outcome == "linked")
        .values(outcome="left_out", reason="excluded", detail=None),
    )


def admit_users(session: Session, user_ids: Sequence[int]) -> None:
    """Take back the exclusions of everybody who is one of these users."""
    people = sa.select(Person.integration_id, Person.remote_id).where(Person.user_id.in_(user_ids))
    rows_changed(
        session,
        sa.delete(Exclusion).where(
            Exclusion.kind == "person", sa.tuple_(Exclusion.integration_id, Exclusion.value).in_(people)
        ),
    )


def ignored_as(session: Session, exclusion: Exclusion) -> User | None:
    """The ignored user whom ``exclusion`` keeps out, and nothing else does."""
    if exclusion.kind != "person":
        return None
    user = session.scalars(
        sa.select(User)
        .join(Person, Person.user_id == User.id)
        .where(
            Person.integration_id == exclusion.integration_id,
            Person.remote_id == exclusion.value,
            User.status == IGNORED,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if user is None:
        return None
    others = session.scalar(
        sa.select(sa.func.count())
        .select_from(Exclusion)
        .join(
            Person,
            sa.and_(Person.integration_id == Exclusion.integration_id, Person.remote_id == Exclusion.value),
        )
        .where(Exclusion.kind == "person", Person.user_id == user.id, Exclusion.id != exclusion.id)
    )
    return None if others else user
