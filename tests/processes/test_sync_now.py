"""``flask sync now`` as an operator types it, with a worker beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from tests.processes.deployment import Deployment
from webapp.core.database import write_transaction
from webapp.core.models import Contract, db

KEYS = {"run", "state", "found", "imported", "renamed", "unchanged", "left_out", "conflicts", "missing", "seconds",
        "requests"}  # fmt: skip

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def slug(deployment: Deployment) -> str:
    found = db.session.scalar(sa.select(Contract.slug).where(Contract.id == deployment.office.contract_id))
    assert found is not None
    return found


def test_it_waits_prints_one_json_object_and_exits_by_how_the_run_ended(deployment: Deployment) -> None:
    deployment.worker()
    done = deployment.flask("sync", "now", slug(deployment), "intercom", "--wait")
    assert done.returncode == 0, done.stderr
    run = one_object(done.stdout)
    assert run.keys() >= KEYS
    assert run["state"] == "completed"
    assert run["found"] == run["imported"] + run["left_out"] + run["conflicts"]
    assert (run["requests"], run["trigger"]) == (2, "command")
    assert run["seconds"] > 0

    again = one_object(deployment.flask("sync", "now", slug(deployment), "intercom", "--wait").stdout)
    assert (again["imported"], again["unchanged"]) == (0, run["imported"])

    deployment.caller.fault(path="/*", kind="revoke")
    failed = deployment.flask("sync", "now", slug(deployment), "intercom", "--wait")
    assert failed.returncode == 1
    assert one_object(failed.stdout)["state"] == "failed"
    assert deployment.office.integration.connection == "broken"


def test_without_waiting_it_says_that_a_run_is_queued_and_a_second_one_joins_it(
    deployment: Deployment,
) -> None:
    first = deployment.flask("sync", "now", slug(deployment), "intercom")
    second = deployment.flask("sync", "now", slug(deployment), "intercom")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.startswith("A run is queued: run ")
    assert second.stdout.startswith("A run was going on already: run ")


def test_what_cannot_be_started_is_told_in_one_sentence_with_exit_code_1(deployment: Deployment) -> None:
    name = slug(deployment)
    deployment.office.configure(enabled=False)
    off = deployment.flask("sync", "now", name, "intercom", "--wait")
    with write_transaction():
        integration = deployment.office.integration
        integration.connection, integration.credentials = "not_connected", None
    gone = deployment.flask("sync", "now", name, "intercom", "--wait")
    unknown = deployment.flask("sync", "now", "nobody", "intercom", "--wait")
    for refused, words in (
        (off, "User sync of Intercom is off"),
        (gone, "not connected"),
        (unknown, "no contract"),
    ):
        assert (refused.returncode, refused.stdout) == (1, "")
        assert words in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1


def test_waiting_without_a_worker_ends_with_the_run_as_it_is_and_exit_code_1(deployment: Deployment) -> None:
    late = deployment.flask("sync", "now", slug(deployment), "intercom", "--wait", "--timeout", "1")
    assert late.returncode == 1
    assert one_object(late.stdout)["state"] == "queued"
    assert "No worker is running" in late.stderr
    assert "Traceback" not in late.stderr


def test_waiting_without_a_redis_ends_the_same_way_and_says_that_it_is_away(deployment: Deployment) -> None:
    deployment.redis.stop()
    late = deployment.flask("sync", "now", slug(deployment), "intercom", "--wait", "--timeout", "1")
    assert late.returncode == 1
    assert one_object(late.stdout)["state"] == "queued"
    assert "Redis does not answer, and without it nothing wakes a worker." in late.stderr
    assert "Traceback" not in late.stderr


def one_object(text: str) -> dict[str, Any]:
    (line,) = text.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found
