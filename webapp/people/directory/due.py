"""Who is due by a contract's rule: gone for so many days on which the platforms were really read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.sync.plan.safeguard import Limits, shrunk


@dataclass(frozen=True)
class Candidate:
    """An active user. ``missing`` says since when each platform's list lacks them, by integration ID.

    ``None`` means that the platform lists them. ``active_since`` is when somebody activated them last.
    """

    user_id: int
    active_since: datetime
    protected: bool
    missing: Mapping[int, datetime | None]

    @property
    def gone_since(self) -> datetime | None:
        """Since when nobody lists them; ``None`` while somebody does, or when nobody ever did."""
        moments = [since for since in self.missing.values() if since is not None]
        return max(moments) if moments and len(moments) == len(self.missing) else None


def counted_from(
    read_at: Iterable[datetime], now: datetime, span: timedelta, good_for: timedelta
) -> datetime | None:
    """The moment from which ``span`` has passed in time that counts; ``None`` when it has not, or is not sure.

    Time counts while the list was known: from each good reading (``read_at``) until ``good_for`` after it. Where
    the last reading is older than that, nothing is sure.
    """
    moments = sorted((moment for moment in read_at if moment <= now), reverse=True)
    if not moments or now - moments[0] > good_for:
        return None
    frontier, rest = now, span
    for moment in moments:
        known_until = min(moment + good_for, frontier)
        if known_until - moment >= rest:
            return known_until - rest
        rest -= known_until - moment
        frontier = moment
    return None


def who_is_due(
    candidates: Iterable[Candidate],
    counted: Mapping[int, datetime | None],
    spared_until: datetime | None = None,
) -> list[Candidate]:
    """Those to be deactivated, the longest gone first.

    Gone from every platform since before the moment that counts there (``counted``, by integration ID), and
    neither protected, nor activated after they went, nor spared by a person.
    """
    found: list[tuple[datetime, int, Candidate]] = []
    for one in candidates:
        gone = one.gone_since
        if gone is None or one.protected or one.active_since > gone:
            continue
        if spared_until is not None and gone <= spared_until:
            continue
        if all(_long_enough(since, counted.get(where)) for where, since in one.missing.items()):
            found.append((gone, one.user_id, one))
    return [one for _, _, one in sorted(found, key=lambda entry: entry[:2])]


def too_many(due: Sequence[Candidate], known: Mapping[int, int], limits: Mapping[int, Limits]) -> bool:
    """Whether the safeguard of any platform forbids to let so many go at once.

    ``known``: active users linked to each integration, those who are due among them.
    """
    return any(
        shrunk(gone=sum(where in one.missing for one in due), known=known.get(where, 0), limits=limit)
        for where, limit in limits.items()
    )


def _long_enough(since: datetime | None, counted: datetime | None) -> bool:
    return since is not None and counted is not None and since <= counted
