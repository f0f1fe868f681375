"""Deciding about another account: a round at a platform opened one that is not the one connected so far."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.credentials import open_sealed
from webapp.core.database import write_transaction
from webapp.core.models import (
    Account,
    ConnectAttempt,
    Contract,
    Decision,
    Exclusion,
    Integration,
    Person,
    db,
    utcnow,
)
from webapp.integrations.connection.connect import AttemptInvalid, Connected, connect_with, integration_for
from webapp.platforms.base import RemoteAccount
from webapp.sync.run.proposal import give_up_held
from webapp.sync.schedule.incidents import MOOT, close_incidents

DECIDED = "decided"  # in the details of a round whose other account was used or left


class AlreadyDecided(Exception):
    """Whether to use the other account was decided a moment ago, perhaps by a second press of the button."""


def another_account(
    attempt_id: int, *, contract: Contract, platform: str, sign_in_session_id: int
) -> ConnectAttempt:
    """The round waiting for a decision. Raises :class:`AttemptInvalid` or :class:`AlreadyDecided`."""
    attempt = db.session.scalars(
        sa.select(ConnectAttempt).where(
            ConnectAttempt.id == attempt_id,
            ConnectAttempt.contract_id == contract.id,
            ConnectAttempt.platform == platform,
            ConnectAttempt.sign_in_session_id == sign_in_session_id,
            ConnectAttempt.expires_at > utcnow(),
        )
    ).one_or_none()
    if attempt is None:
        raise AttemptInvalid
    if DECIDED in attempt.details:
        raise AlreadyDecided
    if "sealed" not in attempt.details:
        raise AttemptInvalid
    return attempt


def use_other_account(attempt: ConnectAttempt, *, by: Account) -> Connected:
    """Connect the account that was put aside. Users stay.

    What is about people of the old one is forgotten: links, decisions, who was left out one by one, and a run that
    waits for a decision. Email patterns stay, as they are about anybody.

    Raises :class:`AlreadyDecided`.
    """
    with write_transaction() as session:
        stored = _undecided(session, attempt.id)
        token = open_sealed(["attempt", stored.id], stored.details["sealed"])
        account = RemoteAccount(
            id=stored.details["account"]["id"],
            name=stored.details["account"]["name"],
            site=stored.details["account"]["site"],
            granted_by=stored.details["granted_by"],
        )
        integration = integration_for(session, stored.contract_id, stored.platform)
        site = stored.details["site"]
        stored.details = {DECIDED: "used"}
        connected = connect_with(session, integration, token, account, site, by)
        # Last, as a worker takes its locks: the run, which is ended by now, before its people.
        _forget_people(session, integration, account.name)
        return connected


def keep_account(attempt: ConnectAttempt) -> None:
    """Forget the token that was put aside. Raises :class:`AlreadyDecided`."""
    with write_transaction() as session:
        _undecided(session, attempt.id).details = {DECIDED: "kept"}


def _undecided(session: Session, attempt_id: int) -> ConnectAttempt:
    """The round, locked: two presses of a button may come at the same moment."""
    stored = session.scalars(
        sa.select(ConnectAttempt)
        .where(ConnectAttempt.id == attempt_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if stored is None or "sealed" not in stored.details:
        raise AlreadyDecided
    return stored


def _forget_people(session: Session, integration: Integration, used: str) -> None:
    now = utcnow()
    why = f"Given up, because {used} was connected instead. Nothing of this run was applied."
    give_up_held(session.connection(), integration.id, why, now)
    close_incidents(session.connection(), integration.id, MOOT, now, kinds=("held",))
    session.execute(sa.delete(Person).where(Person.integration_id == integration.id))
    session.execute(
        sa.delete(Exclusion).where(Exclusion.integration_id == integration.id, Exclusion.kind == "person")
    )
    session.execute(
        sa.update(Decision)
        .where(Decision.integration_id == integration.id, Decision.forgotten_at.is_(None))
        .values(forgotten_at=now)
    )
