"""A database that is damaged while a worker uses it: the log says so, with the full story, and what to do."""

from __future__ import annotations

import pytest

from tests.damaging import damage_tables
from tests.processes.deployment import Deployment
from webapp.core.database_file import database_path
from webapp.core.models import db
from webapp.queue import wake
from webapp.queue.jobs import CONTROL, TICK, TICK_ID


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_names_the_damage_and_what_to_do(deployment: Deployment) -> None:
    path = database_path(deployment.environ["DATABASE_URL"])
    assert path is not None
    worker = deployment.worker()
    deployment.wait(lambda: len(wake.connection().smembers("rq:workers")) == 4)
    db.session.remove()
    db.engine.dispose()
    damage_tables(path, "user_syncs")
    wake.queue(CONTROL).enqueue(TICK, job_id=TICK_ID, job_timeout=120, result_ttl=-1)
    deployment.wait(lambda: "job tick-due-syncs failed: " in worker.said())
    (line, *_) = [line for line in worker.said().splitlines() if "job tick-due-syncs failed" in line]
    assert f"failed: The database {path} is damaged (" in line
    assert "flask restore FILE" in line
    assert "| Traceback" in line
