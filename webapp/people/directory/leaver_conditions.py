"""Who left: users that a platform, or every platform, does not list any more. Conditions for statements on users."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Person, User
from webapp.people.directory import due_query
from webapp.people.directory.directory import Directory

Condition = sa.ColumnElement[bool]


def gone_since() -> sa.ScalarSelect[datetime | None]:
    """Since when no platform lists the user; NULL while one does, or when they were never on any."""
    nowhere = sa.func.count() == sa.func.count(Person.missing_since)
    return (
        sa.select(sa.case((nowhere, sa.func.max(Person.missing_since))))
        .where(Person.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )


def missing_since() -> sa.ScalarSelect[datetime | None]:
    """Since when the last platform that lost the user does not list them."""
    return (
        sa.select(sa.func.max(Person.missing_since))
        .where(Person.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )


def conditions(session: Session, gone: str, directory: Directory) -> list[Condition]:
    """What a list of leavers (a key of ``filters.GONE``) asks of a user."""
    if gone == "back":
        return [User.left_since.is_not(None), _listed()]
    if gone == "due":
        due = due_query.of_contract(session, directory.contract_id)
        return [User.id.in_(due.ids if due else [])]
    return [missing_from(directory), _listed() if gone == "elsewhere" else ~_listed()]


def missing_from(directory: Directory) -> Condition:
    """Whether some platform of the contract does not list the user any more."""
    return User.id.in_(
        sa.select(Person.user_id).where(
            Person.integration_id.in_(directory.integrations.values()),
            Person.user_id.is_not(None),
            Person.missing_since.is_not(None),
        )
    )


def _listed() -> Condition:
    return sa.exists().where(Person.user_id == User.id, Person.missing_since.is_(None)).correlate(User)
