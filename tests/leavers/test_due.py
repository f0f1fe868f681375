"""Who is due: the pure choice, against a slow and plain account of the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from webapp.people.directory.due import Candidate, counted_from, too_many, who_is_due
from webapp.sync.plan.safeguard import Limits

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD_FOR = timedelta(hours=6)


def ago(hours: float) -> datetime:
    return NOW - hours * HOUR


hours = st.integers(0, 300)
readings = st.lists(hours, max_size=40, unique=True)


def known_hours(read: list[int], first: int) -> list[int]:
    """The hours (by how long ago they began) that a reading covers, from the newest, up to ``first`` hours ago."""
    return [hour for hour in range(1, first + 1) if any(hour <= moment < hour + 6 for moment in read)]


@given(readings, st.integers(1, 200))
def test_time_counts_only_while_the_list_was_known(read: list[int], span: int) -> None:
    found = counted_from(map(ago, read), NOW, span * HOUR, GOOD_FOR)
    covered = known_hours(read, 400)
    if not read or min(read) > 6 or len(covered) < span:
        assert found is None
    else:
        assert found == ago(covered[span - 1])


@given(readings, st.integers(1, 200), st.integers(1, 100))
def test_more_days_never_make_anyone_due_sooner(read: list[int], span: int, more: int) -> None:
    short = counted_from(map(ago, read), NOW, span * HOUR, GOOD_FOR)
    long = counted_from(map(ago, read), NOW, (span + more) * HOUR, GOOD_FOR)
    assert long is None or (short is not None and long < short <= NOW - span * HOUR)


missing = st.dictionaries(st.integers(1, 3), st.none() | hours.map(ago), max_size=3)
candidates = st.lists(
    st.builds(
        Candidate, user_id=st.integers(1, 10**6), active_since=hours.map(ago), protected=st.booleans(),
        missing=missing,
    ),
    max_size=12,
    unique_by=lambda one: one.user_id,
)  # fmt: skip


@given(
    candidates,
    st.dictionaries(st.integers(1, 3), st.none() | hours.map(ago), max_size=3),
    st.none() | hours.map(ago),
)
def test_nobody_is_due_who_must_not_be(
    people: list[Candidate], counted: dict[int, datetime | None], spared: datetime | None
) -> None:
    due = who_is_due(people, counted, spared)
    assert len({one.user_id for one in due}) == len(due)
    for one in people:
        moments = list(one.missing.values())
        gone = bool(moments) and None not in moments
        last = max((moment for moment in moments if moment is not None), default=NOW)
        expected = (
            gone
            and not one.protected
            and one.active_since <= last
            and (spared is None or last > spared)
            and all(
                (limit := counted.get(where)) is not None and moment is not None and moment <= limit
                for where, moment in one.missing.items()
            )
        )
        assert (one in due) == expected
    last_gone = [one.gone_since for one in due]
    assert last_gone == sorted(last_gone)  # type: ignore[type-var]


@given(st.integers(0, 40), st.integers(0, 60), st.integers(1, 100), st.integers(1, 20))
def test_the_safeguard_of_any_platform_is_enough(gone: int, others: int, percent: int, people: int) -> None:
    due = [Candidate(number, NOW, False, {1: NOW, 2: NOW}) for number in range(gone)]
    known = {1: gone + others, 2: 10_000}
    limits = {1: Limits(percent, people), 2: Limits(100, 10_000)}
    assert too_many(due, known, limits) == (gone >= people and gone * 100 > percent * (gone + others))
