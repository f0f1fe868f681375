"""How somebody's invitation stands, for the pages of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.id_ranges import chunks
from webapp.core.models import Invitation, Message, User, utcnow
from webapp.core.permissions import Access
from webapp.people.directory.directory import directory_of
from webapp.people.directory.giving import seen_by, who_has_more
from webapp.people.directory.setup import Giver
from webapp.people.invitations import send
from webapp.people.invitations.accept import inviter_still_may

WHY_NOT = {
    send.NOT_ACTIVE: "They can be invited once they are active.",
    send.HAS_ACCOUNT: "They can sign in already.",
    send.NO_EMAIL: "They have no email that could be written to.",
    send.ABOVE: "They may do more than you, or see more, so it takes someone who has as much.",
    send.TOO_OFTEN: (
        f"They were mailed less than a minute ago, or {send.MOST_A_DAY} times in a day. Wait a little."
    ),
}


@dataclass(frozen=True)
class Panel:
    """The newest invitation of a user, how it stands, and why another cannot be sent (``None``: it can).

    ``state`` is none, open, void, expired, accepted or revoked; ``mail_error`` why the mail of an open one has not
    been sent.
    """

    state: str
    invitation: Invitation | None
    why_not: str | None
    show: bool
    may_revoke: bool
    mail_error: str | None


def panel_of(session: Session, access: Access, user_id: int) -> Panel:
    """For the page of one user of the contract."""
    contract_id = access.contract.id
    user = session.scalars(sa.select(User).where(User.contract_id == contract_id, User.id == user_id)).one()
    newest = session.scalars(
        sa.select(Invitation)
        .where(Invitation.contract_id == contract_id, Invitation.user_id == user_id)
        .order_by(Invitation.id.desc())
        .limit(1)
    ).one_or_none()
    reason = send.hindrance(user)
    directory = directory_of(session, contract_id)
    giver = Giver(access.permissions, seen_by(session, directory, access.user.id))
    above = bool(who_has_more(session, [user_id], directory, giver))
    if reason is None and above:
        reason = send.ABOVE
    state = _state(session, newest, user)
    mail_error = None
    if newest is not None and state == "open":
        mail_error = session.scalar(
            sa.select(Message.error).where(Message.invitation_id == newest.id, Message.state != "sent")
        )
    return Panel(
        state,
        newest,
        WHY_NOT[reason] if reason is not None else None,
        show=newest is not None or (user.status == "active" and user.account_id is None),
        may_revoke=state in ("open", "void") and not above,
        mail_error=mail_error,
    )


def how_many(session: Session, contract_id: int, user_ids: Sequence[int]) -> int:
    """How many of those users have an email and no account."""
    return sum(
        session.scalar(
            sa.select(sa.func.count()).where(
                User.contract_id == contract_id,
                User.id.in_(ids),
                User.account_id.is_(None),
                User.email_key.is_not(None),
            )
        )
        or 0
        for ids in chunks(user_ids)
    )


def on_their_way(count: int, *, leave: bool = True) -> str:
    """That so many invitations were sent, and where they are when no email can ``leave`` this server."""
    text = "An invitation is on its way." if count == 1 else f"{count:,} invitations are on their way."
    if leave:
        return text
    it_waits = "it waits" if count == 1 else "they wait"
    return f"{text} No mail server is set up, so {it_waits} in the outbox, which an administrator can open."


def _state(session: Session, invitation: Invitation | None, user: User) -> str:
    if invitation is None:
        return "none"
    if invitation.outcome is not None:
        return "revoked" if invitation.outcome == "replaced" else invitation.outcome
    if invitation.expires_at <= utcnow():
        return "expired"
    same = user.status == "active" and user.status_since <= invitation.created_at
    if not same or user.email_key != invitation.email_key or user.account_id is not None:
        return "void"
    return "open" if inviter_still_may(session, invitation) else "void"
