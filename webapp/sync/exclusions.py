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


def exclude(
    session: Session,
    contract_id: int,
    integration_id: int,
    kind: str,
    value: str,
    *,
    by: str,
    label: str = "",
) -> bool:
    """Add one exclusion (``person`` with a remote ID, ``email`` with a pattern); whether it is new."""
    added = session.execute(
        insert_into(session, table_of(Exclusion))
        .values(
            contract_id=contract_id,
            integration_id=integration_id,
            kind=kind,
            value=value,
            label=label,
            created_by=by,
        )
        .on_conflict_do_nothing()
        .returning(Exclusion.id)
    ).scalar()
    return added is not None


def exclude_person(session: Session, person: Person, by: str) -> None:
    """Leave ``person`` out from the next run on; a user they are linked to stays as they are.

    They count as left out at once: nobody is asked about them any more, and the next run looks at them again although
    nothing changed there.
    """
    label = person.name or person.email or person.remote_id
    exclude(
        session, person.contract_id, person.integration_id, "person", person.remote_id, by=by, label=label
    )
    person.outcome, person.reason, person.detail = "left_out", "excluded", None
