"""Merging one user into another: one transaction under the contract's lock, with its audit row."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import rows_changed, write_transaction
from webapp.core.match_keys import user_keys
from webapp.core.models import (
    Decision,
    Integration,
    Merge,
    ReportingAccess,
    User,
    UserRole,
    UserTeam,
    table_of,
    utcnow,
)
from webapp.core.models.user import MERGED
from webapp.people.directory import bulk
from webapp.people.directory.directory import directory_of
from webapp.people.directory.giving import giver_now
from webapp.people.merges.checks import (
    Acting,
    CannotMerge,
    ChangedSince,
    links_of,
    stamp_of,
    two_users,
    why_not,
)

OWNED = {
    "roles": (UserRole, "role_id"),
    "teams": (UserTeam, "team_id"),
    "access": (ReportingAccess, "team_id"),
}


def merge(contract_id: int, kept_id: int, gone_id: int, *, by: str, by_user_id: int, stamp: str) -> Merge:
    """Let ``gone_id`` go into ``kept_id``, who gets the links, the account and the decisions of both.

    Roles, teams, reporting access and status are those of who stays. Raises, with nothing changed:
    :class:`CannotMerge`, :class:`ChangedSince`, ``LookupError`` and ``access.Refused``.
    """
    with write_transaction() as session:
        bulk.lock_licences(session, contract_id)
        directory = directory_of(session, contract_id)
        acting = Acting(by_user_id, giver_now(session, directory, by_user_id))
        links_change(session, contract_id)
        kept, gone = two_users(session, contract_id, kept_id, gone_id)
        reasons = why_not(session, kept, gone, directory, acting)
        if reasons:
            raise CannotMerge(reasons)
        if stamp != stamp_of(session, kept, gone):
            raise ChangedSince
        before = _move(session, kept, gone)
        row = Merge(
            contract_id=contract_id,
            kept_id=kept.id,
            gone_id=gone.id,
            gone_name=gone.name,
            before=before,
            merged_by=by,
        )
        session.add(row)
        session.flush()
        log.record(
            session,
            "users.merged",
            kept.name,
            contract_id=contract_id,
            target_type="user",
            target_id=kept.id,
            details={
                "merged into them": gone.name,
                "username": gone.username,
                "status": log.changed(before["gone"]["status"], MERGED),
                "links moved": len(before["people"]),
                log.IDS: f"{kept.id}, {gone.id}",
            },
        )
        return row


def hold_links(session: Session, contract_id: int) -> None:
    """Let no run of the contract write in the middle of this, which may change somebody whom it planned for."""
    session.execute(
        sa.select(Integration.id)
        .where(Integration.contract_id == contract_id)
        .order_by(Integration.id)
        .with_for_update(key_share=True)
    )


def links_change(session: Session, contract_id: int) -> None:
    """Let every run of the contract that planned before look again, and none write in the middle of this."""
    hold_links(session, contract_id)
    rows_changed(
        session,
        sa.update(Integration)
        .where(Integration.contract_id == contract_id)
        .values(link_changes=Integration.link_changes + 1),
    )


def _move(session: Session, kept: User, gone: User) -> dict[str, Any]:
    """Make it so; what undoing needs to know."""
    now = utcnow()
    before: dict[str, Any] = {
        "gone": {
            "status": gone.status,
            "status_since": gone.status_since.isoformat(),
            "account_id": gone.account_id,
        }
        | {name: _taken_away(session, model, column, gone.id) for name, (model, column) in OWNED.items()},
        "filled": {},
    }
    before |= _move_links(session, kept, gone)
    decisions = list(
        session.scalars(
            sa.select(Decision.id).where(Decision.user_id == gone.id, Decision.forgotten_at.is_(None))
        )
    )
    rows_changed(session, sa.update(Decision).where(Decision.id.in_(decisions)).values(user_id=kept.id))
    before["decisions"] = decisions
    account_id, gone.account_id = gone.account_id, None
    gone.status, gone.status_since, gone.changed_at = MERGED, now, now
    session.flush()  # an account belongs to one user of a contract at any moment
    if account_id is not None:
        kept.account_id = account_id
        kept.last_seen_at, kept.sign_ins_ended_at = gone.last_seen_at, gone.sign_ins_ended_at
    for name in ("email", "third_party_id"):
        if getattr(kept, name) is None and getattr(gone, name) is not None:
            setattr(kept, name, getattr(gone, name))
            before["filled"][name] = getattr(gone, name)
    set_keys(kept)
    kept.changed_at = now
    session.flush()
    return before


def set_keys(user: User) -> None:
    """Bring the forms that are compared up to date."""
    for name, value in user_keys(
        name=user.name, username=user.username, email=user.email, third_party_id=user.third_party_id
    ).items():
        setattr(user, name, value)


def _taken_away(session: Session, model: Any, column: str, user_id: int) -> list[int]:
    """Delete what the user has of one kind; the IDs that they had."""
    table = table_of(model)
    had = sorted(session.scalars(sa.select(table.c[column]).where(table.c.user_id == user_id)))
    rows_changed(session, sa.delete(table).where(table.c.user_id == user_id))
    return had


def _move_links(session: Session, kept: User, gone: User) -> dict[str, Any]:
    """Give the people of ``gone`` to ``kept``. Of two on one platform, who is listed no more is let go."""
    mine = {link.integration_id: link for link in links_of(session, kept.id)}
    moved: list[int] = []
    released: list[dict[str, int]] = []
    for link in links_of(session, gone.id):
        own = mine.get(link.integration_id)
        if own is not None:
            old = link if link.missing_since is not None else own
            released.append({"person": old.id, "user": old.user_id or 0})
            old.user_id = None
            session.flush()  # a user has one link to a platform at any moment
        if link.user_id is not None:
            link.user_id = kept.id
            moved.append(link.id)
    session.flush()
    return {"people": moved, "released": released}
