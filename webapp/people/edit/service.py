"""Changing one user: who they are and, while they are active, what they may do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import rows_changed, write_transaction
from webapp.core.models import ReportingAccess, User, UserRole, UserTeam, db, table_of, utcnow
from webapp.core.models.user import MERGED
from webapp.core.permissions import MANAGE_USERS
from webapp.people.activation.activate import check_set_up, give
from webapp.people.activation.deactivate import administrators_who_sign_in
from webapp.people.directory import bulk
from webapp.people.directory.directory import ADMINISTRATOR, Directory, directory_of
from webapp.people.directory.giving import giver_now
from webapp.people.directory.setup import SetUp, beyond
from webapp.people.edit.creating import set_up_words
from webapp.people.edit.form_state import State, state_of
from webapp.people.edit.identity import Identity, check_username
from webapp.people.merges.merge import hold_links, links_change

LABELS = {"name": "name", "username": "username", "email": "email", "third_party_id": "third-party ID"}


class Above(Exception):
    """The user may do more than whoever wants to change them."""


class LastAdministrator(Exception):
    """The change would leave no administrator who can sign in."""


class LosesOwnAccess(Exception):
    """Whoever changes themselves would no longer be allowed to manage users."""


class ChangedSince(Exception):
    """The user is not what the form was opened with. Nothing was changed. ``fields`` are those of ``state``."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


def edit(
    contract_id: int, user_id: int, identity: Identity, set_up: SetUp | None, *, by_user_id: int, stamp: str
) -> list[str]:
    """Store what was typed, in one transaction with its audit row; the labels of what became different.

    ``set_up`` is looked at for active users alone. Raises, with nothing changed: ``LookupError``,
    :class:`ChangedSince`, :class:`Above`, :class:`LastAdministrator`, :class:`LosesOwnAccess`, ``UsernameTaken``,
    ``access.Refused``, and as activating does ``SetUpIncomplete``, ``NotInContract`` and ``Beyond``.
    """
    try:
        return _edit(contract_id, user_id, identity, set_up, by_user_id, stamp)
    except sa.exc.IntegrityError:
        check_username(db.session(), contract_id, identity.username, but=user_id)  # a sync was quicker
        raise


def _edit(
    contract_id: int, user_id: int, identity: Identity, set_up: SetUp | None, by_user_id: int, stamp: str
) -> list[str]:
    with write_transaction() as session:
        bulk.lock_licences(session, contract_id)
        hold_links(session, contract_id)  # before the user, as runs do
        user = _locked(session, contract_id, user_id)
        directory = directory_of(session, contract_id)
        giver = giver_now(session, directory, by_user_id)
        now = state_of(session, user)
        if is_above(now.set_up.roles, giver.permissions, directory):
            raise Above
        if fields := now.changed_since(stamp):
            raise ChangedSince(fields)
        changes: dict[str, Any] = {}
        if _identify(session, user, now, identity, changes):
            links_change(session, contract_id)
        if user.status == "active" and set_up is not None and set_up != now.set_up:
            check_set_up(set_up, directory, giver, has=now.set_up)
            _check_who_stays(session, user, set_up, directory, by_user_id)
            _replace(session, user, set_up)
            before, after = set_up_words(now.set_up, directory), set_up_words(set_up, directory)
            changes |= {
                label: log.changed(before[label], after[label])
                for label in before
                if before[label] != after[label]
            }
        if not changes:
            return []
        user.changed_at = utcnow()
        log.record(
            session,
            "users.edited",
            user.name,
            contract_id=contract_id,
            target_type="user",
            target_id=user.id,
            details=changes,
        )
        return list(changes)


def is_above(roles: Collection[int], permissions: frozenset[str], directory: Directory) -> bool:
    """Whether whoever has ``roles`` may do something that is not among ``permissions``."""
    return bool(beyond(roles, permissions, directory))


def _locked(session: Session, contract_id: int, user_id: int) -> User:
    user = session.scalars(
        sa.select(User)
        .where(User.id == user_id, User.contract_id == contract_id, User.status != MERGED)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if user is None:
        raise LookupError(user_id)
    return user


def _identify(session: Session, user: User, now: State, identity: Identity, changes: dict[str, Any]) -> bool:
    """Write who they are; whether that is new. A typed name is no platform's until one gives it anew."""
    different = [field for field in LABELS if getattr(now.identity, field) != getattr(identity, field)]
    if not different:
        return False
    check_username(session, user.contract_id, identity.username, but=user.id)
    for field in different:
        changes[LABELS[field]] = log.changed(getattr(now.identity, field), getattr(identity, field))
        setattr(user, field, getattr(identity, field))
    for name, key in identity.keys().items():
        setattr(user, name, key)
    if "name" in different:
        user.named_by_integration_id = user.named_at = None
    session.flush()
    return True


def _check_who_stays(
    session: Session, user: User, set_up: SetUp, directory: Directory, by_user_id: int
) -> None:
    roles = [directory.role_by_id[role] for role in set_up.roles]
    if user.id == by_user_id and not any(MANAGE_USERS in role.permissions for role in roles):
        raise LosesOwnAccess
    if not any(role.key == ADMINISTRATOR for role in roles):
        administrators = set(session.scalars(administrators_who_sign_in(user.contract_id)))
        if administrators == {user.id}:
            raise LastAdministrator


def _replace(session: Session, user: User, set_up: SetUp) -> None:
    for table in map(table_of, (UserRole, UserTeam, ReportingAccess)):
        rows_changed(session, sa.delete(table).where(table.c.user_id == user.id))
    give(session, [user.id], set_up)
