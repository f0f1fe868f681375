"""Adding one user by hand: pending, or at once active with a licence."""

from __future__ import annotations

import sqlalchemy as sa

from webapp.core.audit import log as audit_log
from webapp.core.contracts import licences_used
from webapp.core.database import write_transaction
from webapp.core.models import User, db, utcnow
from webapp.people.activation.activate import LicencesExceeded, check_set_up, give
from webapp.people.directory import bulk
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.directory.giving import giver_now
from webapp.people.directory.setup import SetUp
from webapp.people.edit.identity import Identity, check_username
from webapp.people.merges.merge import links_change


def create(contract_id: int, identity: Identity, set_up: SetUp | None, *, by_user_id: int) -> bulk.Done:
    """Add a user, active with ``set_up`` or else pending, in one transaction with its audit row.

    Raises, with nothing changed: ``UsernameTaken``, ``access.Refused``, and as activating does
    ``LicencesExceeded``, ``SetUpIncomplete``, ``NotInContract`` and ``Beyond``.
    """
    try:
        return _create(contract_id, identity, set_up, by_user_id)
    except sa.exc.IntegrityError:
        check_username(db.session(), contract_id, identity.username)  # a sync was quicker with it
        raise


def _create(contract_id: int, identity: Identity, set_up: SetUp | None, by_user_id: int) -> bulk.Done:
    with write_transaction() as session:
        bought = bulk.lock_licences(session, contract_id)
        links_change(session, contract_id)  # a run that has planned already would not know them
        directory = directory_of(session, contract_id)
        giver = giver_now(session, directory, by_user_id)
        check_username(session, contract_id, identity.username)
        used = licences_used(session, contract_id)
        if set_up is not None:
            check_set_up(set_up, directory, giver)
            if used + 1 > bought:
                raise LicencesExceeded(bought=bought, used=used, wanted=1)
        now = utcnow()
        user = User(
            contract_id=contract_id,
            status="pending" if set_up is None else "active",
            status_since=now,
            created_at=now,
            changed_at=now,
            name=identity.name,
            username=identity.username,
            email=identity.email,
            third_party_id=identity.third_party_id,
            **identity.keys(),
        )
        session.add(user)
        session.flush()
        if set_up is not None:
            give(session, [user.id], set_up)
            used += 1
        audit_log.record(
            session,
            "users.created",
            user.name,
            contract_id=contract_id,
            target_type="user",
            target_id=user.id,
            details=_details(user, set_up, directory),
        )
        return bulk.Done([user.id], [user.name], bought, used)


def _details(user: User, set_up: SetUp | None, directory: Directory) -> dict[str, object]:
    details: dict[str, object] = {"status": user.status, "username": user.username}
    if user.email:
        details["email"] = user.email
    if user.third_party_id:
        details["third-party ID"] = user.third_party_id
    if set_up is not None:
        details |= set_up_words(set_up, directory)
    return details


def set_up_words(set_up: SetUp, directory: Directory) -> dict[str, list[str]]:
    """A set-up with names, by the labels of the audit log."""
    return {
        "roles": directory.role_names(set_up.roles),
        "team": directory.team_paths([set_up.team or 0]),
        "reporting access": directory.team_paths(set_up.access),
    }
