"""Putting a mail into the outbox, inside the transaction of what it tells. Nothing is sent here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from webapp.core.bulk_rows import insert_rows, update_column
from webapp.core.credentials import open_sealed, seal_for
from webapp.core.database import rows_changed
from webapp.core.models import Message, table_of, utcnow

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
    message = _message(to, subject, None if secret else text, contract_id, purpose)
    session.add(message)
    if secret:
        session.flush()
        message.sealed_text = seal_for(_sealed_as(message.id), {"text": text})
    return message


@dataclass(frozen=True)
class Personal:
    """A mail with a personal link to the one person at ``to``, sent only while the link of the invitation works."""

    to: str
    subject: str
    text: str
    invitation_id: int


def queue_personal(
    session: Session, mails: Sequence[Personal], *, contract_id: int | None, purpose: str
) -> None:
    """The same for many mails with ``secret`` texts, in few statements."""
    connection, table, now = session.connection(), table_of(Message), utcnow()
    texts = {mail.invitation_id: mail.text for mail in mails}
    insert_rows(
        connection,
        table,
        ("recipient", "subject", "invitation_id"),
        [(_address(mail.to), one_line(mail.subject, SUBJECT_MAX), mail.invitation_id) for mail in mails],
        {
            "contract_id": contract_id,
            "purpose": purpose,
            "state": "waiting",
            "created_at": now,
            "attempts": 0,
            "next_try_at": now,
        },
    )
    queued = session.execute(
        sa.select(Message.id, Message.invitation_id).where(
            Message.invitation_id.in_(texts), Message.created_at == now, Message.state == "waiting"
        )
    ).all()
    sealed = [(row.id, seal_for(_sealed_as(row.id), {"text": texts[row.invitation_id]})) for row in queued]
    if sealed:
        update_column(connection, table.c.id, table.c.sealed_text, sealed)


def hold_back(
    session: Session, recipients: Collection[str], *, contract_id: int, purpose: str, why: str
) -> None:
    """Let no mail go out any more that still waits for one of ``recipients``, as :func:`queue` was given them."""
    rows_changed(
        session,
        sa.update(Message)
        .where(
            Message.contract_id == contract_id,
            Message.purpose == purpose,
            Message.state == "waiting",
            Message.recipient.in_(list(map(_address, recipients))),
        )
        .values(state="failed", sealed_text=None, error=why),
    )


def text_of(message: Message) -> str | None:
    """What the mail says; ``None`` when it is forgotten. Raises ``CredentialsUnreadable``."""
    if message.sealed_text is not None:
        text: str = open_sealed(_sealed_as(message.id), message.sealed_text)["text"]
        return text
    return message.text


def one_line(text: str, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters: control characters and line breaks become spaces."""
    plain = text
    if not text.isprintable():
        plain = "".join(
            " " if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" else char for char in text
        )
    line = " ".join(plain.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def can_reach(address: str) -> bool:
    """Whether a mail to ``address`` can be queued."""
    try:
        _address(address)
    except ValueError:
        return False
    return True


def name_in_mail(name: str) -> str:
    """A name that people typed, for the text or subject of a mail: one short line, in which nothing is a link."""
    plain = re.sub(r"\w+:/+", " ", one_line(name, 100))
    return one_line(re.sub(r"(?<=\w)\.(?=\w)", ". ", plain), 120)


def _message(to: str, subject: str, text: str | None, contract_id: int | None, purpose: str) -> Message:
    return Message(
        contract_id=contract_id,
        purpose=purpose,
        recipient=_address(to),
        subject=one_line(subject, SUBJECT_MAX),
        text=text,
    )


@lru_cache(maxsize=8_000)  # somebody is asked about, then mailed; more than one chunk of people
def _address(to: str) -> str:
    try:
        return validate_email(to, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"{to!r} is not an email address: {error}") from error


def _sealed_as(message_id: int) -> list[Any]:
    return ["message", message_id]
