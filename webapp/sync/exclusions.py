"""Leaving people out and taking them back, in the caller's transaction. The next run does accordingly."""

from __future__ import annotations

import re

from sqlalchemy.orm import Session

from webapp.database import insert_into
from webapp.models import Exclusion, Person, table_of
from webapp.sync.keys import match_key

PATTERN = re.compile(r"[^\s@\[\]]*@[^\s@\[\]]+|[^\s@\[\]]+@[^\s@\[\]]*")
PATTERN_MAX = 255  # characters


class BadPattern(ValueError):
    """What was given cannot be a pattern for email addresses; the text says what to enter."""


def pattern_of(given: str) -> str:
    """The pattern as it is compared. A domain alone stands for everybody there. Raises :class:`BadPattern`."""
    text = match_key(given) or ""
    if text and "@" not in text:
        text = f"*@{text.removeprefix('*.')}" if not text.startswith("*.") else f"*@{text}"
    if len(text) > PATTERN_MAX or not PATTERN.fullmatch(text):
        raise BadPattern(
            "Enter an email address or a domain; * stands for any characters, such as *@partner.example."
        )
    if not set(text) - set("*?@"):
        raise BadPattern("That would leave out everybody. Name a domain or a part of the address.")
    return text


def add_pattern(session: Session, contract_id: int, integration_id: int, pattern: str, by: str) -> bool:
    """Leave out everybody whose email fits; whether that is new, also when somebody adds it at the same moment."""
    added = session.scalar(
        insert_into(session, table_of(Exclusion))
        .values(
            contract_id=contract_id,
            integration_id=integration_id,
            kind="email",
            value=pattern,
            created_by=by,
        )
        .on_conflict_do_nothing()
        .returning(Exclusion.id)
    )
    return added is not None


def exclude_person(session: Session, person: Person, by: str) -> Exclusion:
    """Leave ``person`` out from the next run on; a user they are linked to stays as they are."""
    exclusion = Exclusion(
        contract_id=person.contract_id,
        integration_id=person.integration_id,
        kind="person",
        value=person.remote_id,
        label=person.name or person.email or person.remote_id,
        created_by=by,
    )
    session.add(exclusion)
    if person.outcome == "linked":
        person.outcome = "left_out"  # so that the next run looks at them again although nothing changed there
    session.flush()
    return exclusion
