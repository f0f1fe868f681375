"""How large the next batch is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webapp.sync.run.batch_size import SECONDS, Batches


@given(
    size=st.integers(1, 50_000),
    seconds=st.floats(0, 1e9),
    least=st.integers(1, 10_000),
    times=st.integers(1, 10),
)
def test_batches_grow_while_they_are_quick_and_keep_within_their_limits(
    size: int, seconds: float, least: int, times: int
) -> None:
    batches = Batches(least, least * times, least)
    following = batches.after(size, seconds)
    assert batches.least <= following <= batches.most
    assert following <= max(least, 2 * size)
    if seconds > SECONDS:
        assert following <= max(least, size)


def test_a_quick_batch_is_followed_by_one_of_twice_the_size_and_a_slow_one_by_a_smaller_one() -> None:
    batches = Batches.growing_from(1000)
    assert [batches.after(*one) for one in ((1000, 0.05), (1000, 0.16), (4000, 0.01))] == [2000, 1250, 5000]
    assert [batches.after(*one) for one in ((4000, 0.4), (2000, 5.0))] == [2000, 100]


def test_b8_a_slow_machine_writes_less_at_a_time_than_is_set() -> None:
    """However slow: whoever saves something waits for one batch."""
    batches = Batches.growing_from(1000)
    size, seconds_a_step = batches.first, 0.001
    for _ in range(4):
        size = batches.after(size, size * seconds_a_step)
    assert size * seconds_a_step <= SECONDS
    assert [Batches.growing_from(1).least, Batches.always(7).after(7, 60.0)] == [1, 7]
