"""Putting a mail into the outbox, inside the transaction of what it tells. Nothing is sent here."""

from __future__ import annotations

import unicodedata
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from webapp.credentials import open_sealed, seal_for
from webapp.models import Message

SUBJECT_MAX = 200  # characters


def queue(
    session: Session,
    *,
    to: str,
    subject: str,
    text: str,
    contract_id: int | None,
    purpose: str,
    secret: bool = False,
) -> Message:
    """A mail to the one person at ``to``, sent once the transaction is committed and a worker is free.

    ``purpose`` is a word for the list of mails, such as ``incident`` or ``invitation``. ``secret``: the text
    carries a personal link, so it is stored encrypted and forgotten once sent. Raises ``ValueError`` when
    ``to`` is not one plain email address.
    """
    message = Message(
        contract_id=contract_id,
        purpose=purpose,
        recipient=_address(to),
        subject=one_line(subject, SUBJECT_MAX),
        text=None if secret else text,
    )
    session.add(message)
    if secret:
        session.flush()
        message.sealed_text = seal_for(_row(message), {"text": text})
    return message


def text_of(message: Message) -> str | None:
    """What the mail says; ``None`` when it is forgotten. Raises ``CredentialsUnreadable``."""
    if message.sealed_text is not None:
        text: str = open_sealed(_row(message), message.sealed_text)["text"]
        return text
    return message.text


def one_line(text: str, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters: control characters and line breaks become spaces."""
    plain = "".join(
        " " if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" else char for char in text
    )
    line = " ".join(plain.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _address(to: str) -> str:
    try:
        return validate_email(to, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"{to!r} is not an email address: {error}") from error


def _row(message: Message) -> list[Any]:
    return ["message", message.id]
