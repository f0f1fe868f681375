"""What the licence makes of a batch, before anybody is activated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from webapp.people.directory import bulk

NAMED = 12  # people whose names a sentence carries


def of_licences(free: int, bought: int) -> str:
    """“1 of 60 licences is”, “59 of 60 licences are”: the beginning of a sentence about what is free.

    Less than none are free where there were more licences once.
    """
    return f"{max(free, 0):,} of {bought:,} licences {'is' if free == 1 else 'are'}"


@dataclass(frozen=True)
class Forecast:
    """``free`` licences are left; ``staying`` are the user IDs for whom there is none, the last of the batch."""

    free: int
    staying: frozenset[int]
    sentence: str


def forecast(
    session: Session, contract_id: int, ids: Sequence[int], *, bought: int, used: int, status: str
) -> Forecast:
    """The forecast for ``ids`` in their order; ``status`` is what they are now."""
    free = max(bought - used, 0)
    staying = ids[free:]
    if not staying:
        return Forecast(free, frozenset(), f"After this, {of_licences(free - len(ids), bought)} free.")
    names = ", ".join(bulk.names_of(session, contract_id, staying, NAMED))
    more = f" and {len(staying) - NAMED:,} more" if len(staying) > NAMED else ""
    sentence = (
        f"{len(ids):,} chosen, {f'{free:,}' if free else 'none'} free: {names}{more} would stay {status}."
    )
    return Forecast(free, frozenset(staying), sentence)
