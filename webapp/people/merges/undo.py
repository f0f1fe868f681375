"""Undoing a merge: the other user comes back with what was theirs; what cannot come back is named first."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.contracts import licences_used
from webapp.core.database import rows_changed, write_transaction
from webapp.core.match_keys import match_key
from webapp.core.models import Contract, Decision, Merge, Person, User, is_here, utcnow
from webapp.core.models.user import MERGED, USERNAME_LENGTH
from webapp.people.activation.deactivate import administrators_who_sign_in
from webapp.people.directory import bulk
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.directory.giving import giver_now, who_has_more
from webapp.people.directory.setup import beyond, unseen
from webapp.people.merges.checks import Acting, CannotMerge, ChangedSince, No, two_users
from webapp.people.merges.dismiss import keep_apart
from webapp.people.merges.merge import OWNED, links_change, set_keys


@dataclass
class Return:
    """How the merged user would come back now. ``lost`` are sentences about what cannot."""

    status: str
    username: str
    account: bool
    people: list[int] = field(default_factory=list)
    released: list[dict[str, int]] = field(default_factory=list)
    decisions: list[int] = field(default_factory=list)
    owned: dict[str, list[int]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @property
    def stamp(self) -> str:
        """Changes when something else would come back than was shown."""
        return f"{self.status}|{self.username}|{len(self.people)}|{len(self.released)}|{len(self.lost)}"[:500]


def merge_of(session: Session, contract_id: int, merge_id: int) -> Merge:
    """The merge. Raises ``LookupError``."""
    found = session.scalars(
        sa.select(Merge)
        .where(Merge.id == merge_id, Merge.contract_id == contract_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise LookupError(merge_id)
    return found


def undo(contract_id: int, merge_id: int, *, by: str, by_user_id: int, stamp: str) -> Merge:
    """Take a merge back, in one transaction with its audit row; the two are not proposed again.

    Raises, with nothing changed: :class:`CannotMerge`, :class:`ChangedSince`, ``LookupError``, ``access.Refused``.
    """
    with write_transaction() as session:
        bulk.lock_licences(session, contract_id)
        directory = directory_of(session, contract_id)
        acting = Acting(by_user_id, giver_now(session, directory, by_user_id))
        links_change(session, contract_id)
        row = merge_of(session, contract_id, merge_id)
        kept, gone = two_users(session, contract_id, row.kept_id, row.gone_id)
        reasons = why_not_undo(session, row, kept, directory, acting)
        if reasons:
            raise CannotMerge(reasons)
        back = returning(session, row, kept, gone, directory)
        if back.stamp != stamp:
            raise ChangedSince
        _bring_back(session, row, kept, gone, back)
        row.undone_at, row.undone_by = utcnow(), by
        keep_apart(session, contract_id, kept.id, gone.id, by=by)
        log.record(
            session,
            "users.merge_undone",
            kept.name,
            contract_id=contract_id,
            target_type="user",
            target_id=kept.id,
            details={
                "came back": gone.name,
                "status": log.changed(MERGED, gone.status),
                "not as before": back.lost or None,
                "proposed again": False,
                log.IDS: f"{kept.id}, {gone.id}",
            },
        )
        return row


def why_not_undo(session: Session, row: Merge, kept: User, directory: Directory, acting: Acting) -> list[No]:
    """Why the merge cannot be taken back now; nothing if it can."""
    if row.undone_at is not None:
        return [No.UNDONE_BEFORE]
    if kept.status == MERGED:
        return [No.KEPT_IS_GONE]
    had = row.before["gone"]
    reasons = []
    if (
        who_has_more(session, [kept.id], directory, acting.giver)
        or beyond(had["roles"], acting.giver.permissions, directory)
        or unseen(had["access"], acting.giver, directory)
    ):
        reasons.append(No.ABOVE)
    if had["account_id"] is not None and kept.account_id == had["account_id"]:
        if kept.id == acting.user_id:
            reasons.append(No.YOURSELF)
        elif set(session.scalars(administrators_who_sign_in(row.contract_id))) == {kept.id}:
            reasons.append(No.LAST_ADMINISTRATOR)
    return reasons


def returning(session: Session, row: Merge, kept: User, gone: User, directory: Directory) -> Return:
    """How ``gone`` would come back now."""
    had = row.before["gone"]
    back = Return(
        had["status"], gone.username, had["account_id"] is not None and kept.account_id == had["account_id"]
    )
    bought = session.scalar(sa.select(Contract.licences).where(Contract.id == row.contract_id)) or 0
    if back.status == "active" and licences_used(session, row.contract_id) >= bought:
        back.status = "pending"
        back.lost.append("No licence is free, so they come back as pending, without roles and team.")
    if had["account_id"] is not None and not back.account:
        back.lost.append(
            "Their sign-in account is not tied to this user any more, so they come back without it."
        )
    _username(session, gone, back)
    _people(session, row, kept, back)
    back.decisions = list(
        session.scalars(
            sa.select(Decision.id).where(
                Decision.id.in_(row.before["decisions"]),
                Decision.user_id == kept.id,
                Decision.forgotten_at.is_(None),
            )
        )
    )
    if back.status == had["status"]:
        existing: dict[str, Container[int]] = {
            "roles": directory.role_by_id,
            "teams": {team.id for team in directory.open_teams},
            "access": directory.team_by_id,
        }
        for name, ids in existing.items():
            back.owned[name] = [one for one in had[name] if one in ids]
            if len(back.owned[name]) < len(had[name]):
                back.lost.append(
                    "A role they had was deleted since."
                    if name == "roles"
                    else "A team of theirs was archived since."
                )
    for name, value in row.before["filled"].items():
        if getattr(kept, name) != value:
            word = {"email": "email", "third_party_id": "third-party ID"}[name]
            back.lost.append(f"The {word} of {kept.name} was changed since and stays.")
    return back


def _username(session: Session, gone: User, back: Return) -> None:
    """Their username, or the next one like it that is free."""
    number = 1
    while session.scalar(
        sa.select(User.id).where(
            User.contract_id == gone.contract_id, User.username_key == match_key(back.username), is_here()
        )
    ):
        number += 1
        ending = f"-{number}"
        back.username = gone.username[: USERNAME_LENGTH[1] - len(ending)] + ending
    if number > 1:
        back.lost.append(
            f"Their username {gone.username} is taken by now, so they come back as {back.username}."
        )


def _people(session: Session, row: Merge, kept: User, back: Return) -> None:
    """The links that can go back: those that nobody moved since."""
    released: list[dict[str, int]] = row.before["released"]
    wanted = [*row.before["people"], *(one["person"] for one in released)]
    found = {person.id: person for person in session.scalars(sa.select(Person).where(Person.id.in_(wanted)))}
    back.people = [one for one in row.before["people"] if one in found and found[one].user_id == kept.id]
    given = {found[one].integration_id for one in back.people}
    taken: dict[int, set[int]] = {
        kept.id: set(
            session.scalars(
                sa.select(Person.integration_id).where(
                    Person.user_id == kept.id, Person.id.not_in(back.people)
                )
            )
        ),
        row.gone_id: given,
    }
    for one in released:
        person = found.get(one["person"])
        if person is not None and person.user_id is None and person.integration_id not in taken[one["user"]]:
            back.released.append(one)
    missing = len(wanted) - len(back.people) - len(back.released)
    if missing:
        back.lost.append(
            ("1 link was" if missing == 1 else f"{missing:,} links were")
            + " changed or removed since, and stays so."
        )


def _bring_back(session: Session, row: Merge, kept: User, gone: User, back: Return) -> None:
    had: dict[str, Any] = row.before["gone"]
    now = utcnow()
    if back.account:
        kept.account_id = None
    for name, value in row.before["filled"].items():
        if getattr(kept, name) == value:
            setattr(kept, name, None)
    set_keys(kept)
    kept.changed_at = now
    session.flush()  # an account belongs to one user of a contract at any moment
    gone.username, gone.status, gone.changed_at = back.username, back.status, now
    gone.status_since = datetime.fromisoformat(had["status_since"]) if back.status == had["status"] else now
    if back.account:
        gone.account_id = had["account_id"]
        gone.last_seen_at, gone.sign_ins_ended_at = kept.last_seen_at, kept.sign_ins_ended_at
        kept.last_seen_at = kept.sign_ins_ended_at = None
    set_keys(gone)
    session.flush()
    rows_changed(session, sa.update(Person).where(Person.id.in_(back.people)).values(user_id=gone.id))
    for one in back.released:
        rows_changed(session, sa.update(Person).where(Person.id == one["person"]).values(user_id=one["user"]))
    rows_changed(session, sa.update(Decision).where(Decision.id.in_(back.decisions)).values(user_id=gone.id))
    for name, ids in back.owned.items():
        model, column = OWNED[name]
        session.add_all(model(contract_id=row.contract_id, user_id=gone.id, **{column: one}) for one in ids)
    session.flush()
