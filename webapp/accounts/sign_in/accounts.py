"""Creating accounts: the first administrator of a contract by a command, and what invitations share with it."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from webapp.accounts.sign_in import audit as sign_in_audit
from webapp.accounts.sign_in import links, passwords, sessions
from webapp.core.audit import log
from webapp.core.contracts import licences_used, locked_contract
from webapp.core.match_keys import match_key, user_keys
from webapp.core.models import Account, Contract, ReportingAccess, Role, Team, User, UserRole, is_here, utcnow
from webapp.core.models.user import IGNORED, NAME_MAX, USERNAME_LENGTH
from webapp.core.names import name_problem, tidied
from webapp.sync.exclusions import admit_users

BY_COMMAND = "command: flask account"


class AccountRefused(Exception):
    """The account or its user cannot be made like that; the text says why and what to do."""


def find_account(session: Session, email: str) -> Account | None:
    """The account with this email in any case, or ``None``."""
    return session.scalars(sa.select(Account).where(Account.email_key == match_key(email))).one_or_none()


def locked(session: Session, account_id: int) -> Account:
    """The account as it is now; whoever else changes how it signs in waits for the end of this transaction."""
    return session.scalars(
        sa.select(Account)
        .where(Account.id == account_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def still_fits(account: Account, password: str, proved: str | None) -> bool:
    """Whether ``password``, which fitted the hash ``proved`` a moment ago, still fits a :func:`locked` account."""
    if account.disabled_at is not None or account.password_hash is None:
        return False
    return compare_digest(account.password_hash, proved or "") or passwords.verify(
        password, account.password_hash
    )


def create_account(
    session: Session, *, email: str, name: str, password: str, demo: bool = False, about: tuple[str, ...] = ()
) -> Account:
    """A new account. ``about``: further words that its password must not consist of.

    Raises :class:`AccountRefused` and :class:`~webapp.accounts.sign_in.passwords.PasswordRefused`.
    """
    try:
        address = validate_email(email, check_deliverability=False, test_environment=demo).normalized
    except EmailNotValidError as error:
        raise AccountRefused(f"“{email}” is not an email address. {error}") from error
    name = tidied(name)
    if not 1 <= len(name) <= NAME_MAX:
        raise AccountRefused(f"The name must have 1 to {NAME_MAX} characters.")
    if problem := name_problem(name, 1, NAME_MAX):
        raise AccountRefused(problem)
    if find_account(session, address) is not None:
        raise AccountRefused(f"There is an account {address} already.")
    passwords.check(password, context=(address, address.partition("@")[0], name, *about))
    return add(
        session,
        email=address,
        name=name,
        password_hash=passwords.hash_password(password),
        demo=demo,
        actor=BY_COMMAND,
    )


def add(
    session: Session, *, email: str, name: str, password_hash: str, actor: str, demo: bool = False
) -> Account:
    """A new account with an email and a password that were looked at, and its audit row."""
    account = Account(
        email=email, email_key=match_key(email) or "", name=name, password_hash=password_hash, demo=demo
    )
    session.add(account)
    session.flush()
    log.record(
        session,
        "account.created",
        email,
        contract_id=None,
        target_type="account",
        target_id=account.id,
        actor=actor,
    )
    return account


def close(session: Session, account: Account) -> None:
    """Nobody can sign in with the account any more; every session of it ends."""
    account.disabled_at = utcnow()
    account.password_hash = None
    sessions.end_all(session, account.id)
    links.void(session, account.id)
    sign_in_audit.record(session, "account.closed", account.email, account, actor=BY_COMMAND)


def grant_support(session: Session, account: Account, *, may_sync: bool) -> bool:
    """Let ``account`` look at every contract's sync status, and start syncs or not; whether that is new."""
    if account.support and account.support_may_sync == may_sync:
        return False
    account.support, account.support_may_sync = True, may_sync
    _note_support(session, "account.support_granted", account, {"may start syncs": may_sync})
    return True


def revoke_support(session: Session, account: Account) -> bool:
    """Take it back, at once; whether there was anything to take."""
    if not account.support:
        return False
    account.support = account.support_may_sync = False
    _note_support(session, "account.support_revoked", account, None)
    return True


def _note_support(session: Session, action: str, account: Account, details: dict[str, object] | None) -> None:
    log.record(
        session,
        action,
        account.email,
        contract_id=None,
        target_type="account",
        target_id=account.id,
        details=details,
        actor=BY_COMMAND,
    )


def admit(session: Session, contract: Contract, account: Account, role_key: str) -> bool:
    """Make ``account`` an active user of ``contract`` with one of its default roles; whether that changed anything.

    Takes a licence unless the user was active already. Raises :class:`AccountRefused` when none is free, the account
    is closed, or it cannot be said which user it is.
    """
    if account.disabled_at is not None:
        raise AccountRefused(
            f"{account.email} is closed. Open it first: flask account reopen {account.email}."
        )
    locked = locked_contract(session, contract.id)
    role = session.scalars(sa.select(Role).where(Role.contract_id == locked.id, Role.key == role_key)).one()
    user = _user_for(session, locked, account)
    details: dict[str, Any] = {} if user.account_id == account.id else {"account": account.email}
    if user.status == "active":
        before = _role_names(session, user)
        has_role = role.name in before
        if has_role and not details:
            return False
        action = "users.edited"
        if not has_role:
            details["roles"] = log.changed(before, [*before, role.name])
    else:
        has_role = False
        _check_licences(session, locked)
        if user.status == IGNORED:  # no longer excluded where they are listed
            admit_users(session, [user.id])
        user.status, user.status_since, user.left_since = "active", utcnow(), None
        action, details = "users.activated", {"roles": [role.name], "account": account.email}
    user.account_id, user.changed_at = account.id, utcnow()
    session.add(user)
    session.flush()
    if not has_role:
        session.add(UserRole(contract_id=locked.id, user_id=user.id, role_id=role.id))
        _see_everything(session, locked, user)
    log.record(
        session,
        action,
        user.name,
        contract_id=locked.id,
        target_type="user",
        target_id=user.id,
        details=details,
        actor=BY_COMMAND,
    )
    return True


def _check_licences(session: Session, contract: Contract) -> None:
    used = licences_used(session, contract.id)
    if used >= contract.licences:
        raise AccountRefused(
            f"All {contract.licences:,} licences of {contract.name} are in use. "
            f"Add one first: flask contract licences {contract.slug} {used + 1}."
        )


def _role_names(session: Session, user: User) -> list[str]:
    return list(
        session.scalars(
            sa.select(Role.name)
            .join(UserRole, UserRole.role_id == Role.id)
            .where(UserRole.user_id == user.id, UserRole.contract_id == user.contract_id)
            .order_by(Role.position, Role.name)
        )
    )


def _user_for(session: Session, contract: Contract, account: Account) -> User:
    """The user of ``account``, the one whom a sync or a colleague made for its email, or a new one, not yet added."""
    mine = session.scalars(
        sa.select(User)
        .where(User.contract_id == contract.id, User.account_id == account.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if mine is not None:
        return mine
    key = match_key(account.email)
    same = list(
        session.scalars(
            sa.select(User)
            .where(
                User.contract_id == contract.id,
                User.account_id.is_(None),
                is_here(),
                sa.or_(User.email_key == key, User.username_key == key),
            )
            .execution_options(populate_existing=True)
        )
    )
    if len(same) > 1:
        raise AccountRefused(
            f"{len(same)} users of {contract.name} carry the email {account.email}. Keep one first."
        )
    if same:
        return same[0]
    username = account.email[: USERNAME_LENGTH[1]]
    keys = user_keys(name=account.name, username=username, email=account.email, third_party_id=None)
    holder = session.scalar(
        sa.select(User.name).where(
            User.contract_id == contract.id, User.username_key == keys["username_key"], is_here()
        )
    )
    if holder is not None:
        raise AccountRefused(f"{holder} has the username {username} in {contract.name}. Change that first.")
    return User(
        contract_id=contract.id,
        status="pending",
        name=account.name,
        username=username,
        email=account.email,
        **keys,
    )


def _see_everything(session: Session, contract: Contract, user: User) -> None:
    """Reporting access to the whole structure."""
    for team_id in session.scalars(
        sa.select(Team.id).where(Team.contract_id == contract.id, Team.level == 1, Team.archived_at.is_(None))
    ):
        if session.get(ReportingAccess, (user.id, team_id)) is None:
            session.add(ReportingAccess(contract_id=contract.id, user_id=user.id, team_id=team_id))
