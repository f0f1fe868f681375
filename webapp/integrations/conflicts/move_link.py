"""People who came back under a new ID: the link to their user moves from the old one, once somebody says so."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import rows_changed
from webapp.core.models import Decision, Integration, Person


def let_go(session: Session, person: Person, user_id: int) -> str | None:
    """Take the user's link away from whoever is not listed any more, so that ``person`` can have it.

    The remote ID it belonged to; ``None``, with nothing changed, when there is no such link.
    """
    old = session.scalars(
        sa.select(Person)
        .where(
            Person.integration_id == person.integration_id,
            Person.user_id == user_id,
            Person.id != person.id,
            Person.missing_since.is_not(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if old is None:
        return None
    _plan_anew(session, person.integration_id)
    old.user_id = None
    session.flush()
    return old.remote_id


def give_back(session: Session, decision: Decision) -> bool:
    """Move the link back that a decision moved, unless a run has done as decided meanwhile; whether it was."""
    if decision.moved_from is None or decision.user_id is None:
        return False
    _plan_anew(session, decision.integration_id)
    linked = sa.select(Person.id).where(
        Person.integration_id == decision.integration_id, Person.user_id == decision.user_id
    )
    if session.scalar(sa.select(linked.exists())):
        return False
    moved = rows_changed(
        session,
        sa.update(Person)
        .where(
            Person.integration_id == decision.integration_id,
            Person.remote_id == decision.moved_from,
            Person.user_id.is_(None),
        )
        .values(user_id=decision.user_id),
    )
    return moved == 1


def _plan_anew(session: Session, integration_id: int) -> None:
    """A run that has planned by the links as they were plans again."""
    rows_changed(
        session,
        sa.update(Integration)
        .where(Integration.id == integration_id)
        .values(link_changes=Integration.link_changes + 1),
    )
