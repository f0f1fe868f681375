"""Emptying the outbox: mails are taken in one transaction, sent outside of any, and ticked off in another.

A worker that dies in between leaves a mail waiting; it is tried again, with the same Message-ID.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core import account_links
from webapp.core.credentials import CredentialsUnreadable
from webapp.core.database import rows_changed, write_transaction
from webapp.core.models import Message, db, utcnow
from webapp.notifications.mail.outbox import one_line, text_of
from webapp.notifications.mail.smtp import Hand, MailDelayed, MailRefused, ServerGone, conversation
from webapp.notifications.outbox import due, still_mine, take

log = logging.getLogger(__name__)

BATCH = 20  # mails taken at once
BUSY_FOR = 45.0  # seconds one job sends, then the next job goes on
GIVE_UP_AFTER = timedelta(days=3)
KEPT_FOR = timedelta(days=90)
DEAD_LINK = "Its link does not work any more, so it was not sent."
LINKS_LIVE = {
    "password_reset": account_links.LIFETIMES[account_links.RESET],
    "email_change": account_links.LIFETIMES[account_links.EMAIL],
}  # by the purpose of the mail
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360))


def deliver(settings: Settings, invitation_stands: Callable[[Session, int], bool]) -> int:
    """Send what is due until nothing is, or time is up; how many were sent. Without a mail server all wait.

    ``invitation_stands``: whether the invitation with an ID still opens something, asked right before it is sent.
    """
    if settings.mail is None:
        return 0
    sent, until = 0, time.monotonic() + BUSY_FOR
    while time.monotonic() < until:
        batch = take(Message, utcnow(), BATCH)
        if not batch:
            break
        try:
            with conversation(settings.mail, settings.product_name) as hand:
                for message in batch:
                    if _link_is_dead(message, invitation_stands):
                        _end(message, state="failed", error=DEAD_LINK)
                    else:
                        sent += _send(hand, message)
        except ServerGone as reason:
            log.warning("mail: %s", reason)
            for message in batch:
                _put_back(message, str(reason))
            break
    return sent


def tidy(session: Session, settings: Settings, now: datetime) -> None:
    """Give up what has waited for days, so that no old news goes out once a mail server is set up or back,
    and forget what is older still. Call inside a write transaction.
    """
    if settings.mail is not None:
        rows_changed(
            session,
            sa.update(Message)
            .where(due(Message, now), Message.created_at < now - GIVE_UP_AFTER)
            .values(
                state="failed",
                sealed_text=None,
                error=sa.func.coalesce(Message.error, "It could not be sent for three days."),
            ),
        )
    rows_changed(session, sa.delete(Message).where(Message.created_at < now - KEPT_FOR))


def _link_is_dead(message: Message, invitation_stands: Callable[[Session, int], bool]) -> bool:
    """Whether the personal link in a mail would open nothing by now."""
    if message.invitation_id is not None:
        return not invitation_stands(db.session(), message.invitation_id)
    lives = LINKS_LIVE.get(message.purpose)
    return message.sealed_text is not None and lives is not None and utcnow() - message.created_at >= lives


def _send(hand: Hand, message: Message) -> bool:
    db.session.rollback()  # nothing is held while the mail server takes its time
    try:
        text = text_of(message)
        hand.over(message, text or "")
    except CredentialsUnreadable as error:
        _end(message, state="failed", error=f"Its text cannot be read any more: {error}.")
    except MailRefused as reason:
        log.warning("mail %s is refused (%s)", message.id, reason.code)
        _end(message, state="failed", error=one_line(str(reason), 500))
    except ServerGone:
        raise
    except MailDelayed as reason:
        log.warning("mail %s is delayed (%s)", message.id, reason.code)
        _put_back(message, str(reason))
    except Exception:  # whatever is wrong with this one, the others go on
        log.exception("mail %s cannot be handed over", message.id)
        _put_back(message, "It could not be written as a mail.")
    else:
        _end(message, state="sent", error=None, sent_at=utcnow())
        return True
    return False


def _put_back(message: Message, reason: str) -> None:
    pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
    with write_transaction() as session:
        rows_changed(
            session, still_mine(message).values(next_try_at=utcnow() + pause, error=one_line(reason, 500))
        )


def _end(message: Message, **values: object) -> None:
    with write_transaction() as session:
        rows_changed(session, still_mine(message).values(sealed_text=None, **values))
