"""How many people of a platform User sync keeps here: one definition for every platform and page."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Integration, Person, User


@dataclass(frozen=True)
class PeopleCounts:
    """``known``: listed there, a user here, kept up to date. ``pending``: users who wait; ``missing``: listed no more.

    Who is left out or in conflict is not known, whether the platform's list names them (light agents, as Zendesk's
    does) or what is no person is passed over in it (Intercom's bot). The other two are as the lists of users have them.
    """

    known: int
    pending: int
    missing: int

    @property
    def any(self) -> bool:
        return bool(self.known or self.missing)


def people_counts(session: Session, integration: Integration) -> PeopleCounts:
    """The counts of one integration, in one statement."""
    users = (
        sa.select(sa.func.count())
        .select_from(Person)
        .where(Person.integration_id == integration.id, Person.user_id.is_not(None))
    )
    linked = sa.select(Person.user_id).where(
        Person.user_id == User.id, Person.integration_id == integration.id
    )
    pending = (
        sa.select(sa.func.count())
        .select_from(User)
        .where(
            User.contract_id == integration.contract_id,
            User.status == "pending",
            linked.correlate(User).exists(),
        )
    )
    row = session.execute(
        sa.select(
            users.where(Person.outcome == "linked", Person.missing_since.is_(None)).scalar_subquery(),
            pending.scalar_subquery(),
            users.where(Person.missing_since.is_not(None)).scalar_subquery(),
        )
    ).one()
    return PeopleCounts(*row)
