"""The words of the mails about an account. Pure but for the addresses of pages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from webapp.notifications.mail import outbox
from webapp.notifications.mail.urls import page_address


def reset(session: Session, product: str, to: str, token: str) -> None:
    """The link to set a new password."""
    _queue(
        session,
        product,
        to,
        "password_reset",
        "Set a new password",
        [
            f"Somebody asked for a new password for {to}.",
            "If it was you, set it here within an hour. The link works once:\n"
            + page_address("reset.new", token=token),
            "Until then your password stays as it is. If it was not you, there is nothing to do.",
        ],
        secret=True,
    )


def password_changed(session: Session, product: str, to: str) -> None:
    """The notice that the password is another one now."""
    _queue(
        session,
        product,
        to,
        "password_changed",
        "Your password was changed",
        [
            f"The password of {to} was changed just now, and every other browser was signed out.",
            "If it was not you, set a new one at once, and tell an administrator of your contract:\n"
            + page_address("reset.forgot"),
        ],
    )


def confirm_email(session: Session, product: str, to: str, before: str, token: str) -> None:
    """The link that proves the new email."""
    _queue(
        session,
        product,
        to,
        "email_change",
        "Confirm your new email",
        [
            f"You asked to sign in as {to} instead of {before}.",
            "Confirm it here within a day; you will be asked to sign in:\n"
            + page_address("account.open_link", token=token),
            "Until you do, nothing changes. If it was not you, there is nothing to do.",
        ],
        secret=True,
    )


def email_taken(session: Session, product: str, to: str) -> None:
    """What the owner of an address is told when somebody else wants it for another account."""
    _queue(
        session,
        product,
        to,
        "email_change",
        "Your email is in use already",
        [
            f"Somebody asked to use {to} for another account, and nothing was changed.",
            "If it was you: this email signs in to an account of its own. Forgotten its password?\n"
            + page_address("reset.forgot"),
        ],
    )


def email_asked(session: Session, product: str, to: str, after: str) -> None:
    """The notice to the old email that another one was asked for."""
    _queue(
        session,
        product,
        to,
        "email_change",
        "Your email is about to change",
        [
            f"Somebody who knows your password asked to sign in as {after} instead of {to}.",
            "It changes once the new email is confirmed. If it was not you, change your password at once:\n"
            + page_address("account.show"),
        ],
    )


def email_changed(session: Session, product: str, to: str, after: str) -> None:
    """The notice to the old email that it does not sign in any more."""
    _queue(
        session,
        product,
        to,
        "email_change",
        "Your email was changed",
        [
            f"Your account signs in as {after} from now on, and not as {to}.",
            "If it was not you, tell an administrator of your contract.",
        ],
    )


def _queue(
    session: Session,
    product: str,
    to: str,
    purpose: str,
    subject: str,
    paragraphs: Sequence[str],
    *,
    secret: bool = False,
) -> None:
    foot = f"-- \n{product} sends this because it is about your account. Nobody can read your password."
    outbox.queue(
        session,
        to=to,
        subject=f"{product}: {subject}",
        text="\n\n".join([*paragraphs, foot]) + "\n",
        contract_id=None,
        purpose=purpose,
        secret=secret,
    )
