"""The workers of one process: what each works, so that nobody slow takes the last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config import test_settings
from launch.services import worker_names
from webapp.jobs.crew import places
from webapp.queue.jobs import CHORES, CONTROL, SYNC


@pytest.mark.parametrize("runs", range(1, 7))
def test_B3_every_queue_is_worked_and_no_platform_can_take_the_last_worker(runs: int) -> None:
    found = places(runs)
    assert [place.queues for place in found[:2]] == [(CONTROL,), (CHORES,)]
    reading = [set(place.queues) for place in found[2:]]
    assert len(reading) == runs
    assert set().union(*reading) == set(SYNC.values())
    for name in SYNC.values():
        assert runs == 1 or any(name not in queues for queues in reading)
    assert worker_names(replace(test_settings(database_url="sqlite:///x", redis_url="", data_dir=Path()),
                                worker_runs=runs)) == [place.name for place in found]  # fmt: skip
