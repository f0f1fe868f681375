"""Whether two users may be merged by somebody, and what is read of them for it. Changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Merge, Person, User
from webapp.core.models.user import IGNORED, MERGED
from webapp.people.activation.deactivate import LAST_ADMINISTRATOR, YOURSELF, protected
from webapp.people.directory.directory import Directory
from webapp.people.directory.giving import who_has_more
from webapp.people.directory.setup import Giver


class No(StrEnum):
    """Why two users cannot be merged, or a merge not be undone."""

    SAME_USER = "same_user"
    MERGED_BEFORE = "merged_before"
    TWO_THERE = "two_there"
    TWO_ACCOUNTS = "two_accounts"
    ABOVE = "above"
    YOURSELF = "yourself"
    LAST_ADMINISTRATOR = "last_administrator"
    KEPT_IS_GONE = "kept_is_gone"
    UNDONE_BEFORE = "undone_before"


WORDS: dict[No, str] = {
    No.SAME_USER: "A user cannot be merged with themselves. Choose somebody else.",
    No.MERGED_BEFORE: "One of the two was merged meanwhile. Look at the user who stayed.",
    No.TWO_THERE: "A platform lists both, as two people, so they are not one human. If one of the accounts "
    "there is one too many, close it first: the next sync marks that person as gone, and then the two can be merged.",
    No.TWO_ACCOUNTS: "Both can sign in, each with an account of their own. Close one of the accounts first.",
    No.ABOVE: "One of the two may do more than you, or see more, so this is for somebody who has as much.",
    No.YOURSELF: "This would end the user you are signed in as. Ask a colleague to do it.",
    No.LAST_ADMINISTRATOR: "This would leave no administrator who can sign in. Make somebody else one first.",
    No.KEPT_IS_GONE: "The user who stayed was merged into another since. Undo that merge first.",
    No.UNDONE_BEFORE: "This merge was undone already.",
}


class CannotMerge(Exception):
    """Nothing was changed; ``reasons`` say why."""

    def __init__(self, reasons: list[No]) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons


class ChangedSince(Exception):
    """The two are not what was shown any more. Nothing was changed."""


@dataclass(frozen=True)
class Acting:
    """Who wants it: their user, and what they have themselves."""

    user_id: int
    giver: Giver


def two_users(session: Session, contract_id: int, one: int, other: int) -> tuple[User, User]:
    """Both as they are now, locked in the order of their ids. Raises ``LookupError`` for who is not there."""
    found = {
        user.id: user
        for user in session.scalars(
            sa.select(User)
            .where(User.contract_id == contract_id, User.id.in_({one, other}))
            .order_by(User.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    if one not in found or other not in found:
        raise LookupError(one if one not in found else other)
    return found[one], found[other]


def links_of(session: Session, *user_ids: int) -> list[Person]:
    """The people who are linked to these users."""
    return list(
        session.scalars(
            sa.select(Person)
            .where(Person.user_id.in_(user_ids))
            .order_by(Person.id)
            .execution_options(populate_existing=True)
        )
    )


def stamp_of(session: Session, kept: User, gone: User) -> str:
    """Changes when the two are not what was shown any more."""
    links = [(link.id, link.missing_since is None) for link in links_of(session, kept.id, gone.id)]
    shown = [(user.id, user.status, user.name_key) for user in (kept, gone)]
    return hashlib.sha256(repr((shown, links)).encode()).hexdigest()


def why_not(session: Session, kept: User, gone: User, directory: Directory, acting: Acting) -> list[No]:
    """Why ``gone`` cannot go into ``kept``; nothing if they can."""
    if kept.id == gone.id:
        return [No.SAME_USER]
    if MERGED in (kept.status, gone.status):
        return [No.MERGED_BEFORE]
    reasons = []
    if set(listed_at(session, kept.id)) & set(listed_at(session, gone.id)):
        reasons.append(No.TWO_THERE)
    if kept.account_id is not None and gone.account_id is not None:
        reasons.append(No.TWO_ACCOUNTS)
    if who_has_more(session, [kept.id, gone.id], directory, acting.giver):
        reasons.append(No.ABOVE)
    guarded = protected(
        session, [gone.id], directory, by_user_id=acting.user_id, permissions=acting.giver.permissions
    ).get(gone.id)
    if guarded == YOURSELF:
        reasons.append(No.YOURSELF)
    elif guarded == LAST_ADMINISTRATOR:
        reasons.append(No.LAST_ADMINISTRATOR)
    return reasons


def listed_at(session: Session, user_id: int) -> list[int]:
    """The integrations that list a person who is this user."""
    return [link.integration_id for link in links_of(session, user_id) if link.missing_since is None]


def stays_by_default(one: User, other: User) -> User:
    """The active one, else who is known for longer."""
    order = ("active", "pending", "inactive", IGNORED, MERGED)
    return min(
        one,
        other,
        key=lambda user: (user.status != "active", user.created_at, order.index(user.status), user.id),
    )


def who_stayed(session: Session, contract_id: int, user_id: int) -> int | None:
    """Whom a merged user went into in the end; ``None`` for one who is not merged."""
    stayed: int | None = None
    while True:
        into = session.scalar(
            sa.select(Merge.kept_id).where(
                Merge.contract_id == contract_id,
                Merge.gone_id == (stayed or user_id),
                Merge.undone_at.is_(None),
            )
        )
        if into is None:
            return stayed
        stayed = into


def all_in(session: Session, contract_id: int, user_id: int) -> set[int]:
    """The user and everybody who was merged into them, over however many steps."""
    found, new = {user_id}, {user_id}
    while new:
        new = (
            set(
                session.scalars(
                    sa.select(Merge.gone_id).where(
                        Merge.contract_id == contract_id, Merge.kept_id.in_(new), Merge.undone_at.is_(None)
                    )
                )
            )
            - found
        )
        found |= new
    return found
