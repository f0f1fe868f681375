"""One platform hangs: the tick, the other platform, and the sign of life go on. The workers of one process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from signal import SIGKILL, SIGTERM
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from config import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, OAuthClient
from tests.processes.deployment import Deployment, horse_of, workers_of
from tests.sandbox.caller import RETURN
from tests.servers.local import HTTP
from tests.servers.processes import lives
from tests.servers.sandbox import Sandbox, sandbox_server
from tests.sync.office import Office, open_office
from webapp.core import heartbeat
from webapp.core.credentials import seal
from webapp.core.database import write_transaction
from webapp.core.models import Heartbeat, Integration, db, utcnow
from webapp.integrations.runs.processes import worked_on
from webapp.platforms.zendesk.oauth import ZendeskRound
from webapp.queue import wake
from webapp.queue.platform_waits import waits_for

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

USERS = "/api/v2/users.json"


@pytest.fixture(scope="module")
def zendesk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_server("zendesk", tmp_path_factory.mktemp("zendesk")) as server:
        yield server


@pytest.fixture
def desk(deployment: Deployment, zendesk: Sandbox) -> Office:
    """A contract beside the other one that is connected to Zendesk."""
    zendesk.control("POST", "reset")
    template = f"{zendesk.url}/{{subdomain}}"
    deployment.environ["ZENDESK_URL_TEMPLATE"] = template
    office = open_office(deployment.office.app)
    client = OAuthClient(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, api_url=template, sandbox=True)
    settings = replace(office.app.extensions["settings"], zendesk=client)
    token = granted(ZendeskRound(settings))
    with write_transaction() as session:
        integration = session.get_one(Integration, office.integration_id)
        integration.platform, integration.site = "zendesk", "kestrel"
        integration.remote_account_id = "kestrel"
        integration.credentials = seal(integration, token)
    return office


def granted(oauth: ZendeskRound) -> dict[str, object]:
    """A token, got as the product gets one."""
    secret = "s" * 64
    address = oauth.authorize_url("kestrel", RETURN, "a-state", secret)
    fields = dict(httpx.URL(address).params) | {"decision": "allow"}
    answer = HTTP.post(address.split("?")[0], data=fields)
    back = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    return oauth.exchange("kestrel", RETURN, back["code"], secret)


def hanging_run(deployment: Deployment, office: Office, sandbox: Sandbox) -> int:
    """A run that a worker has begun and that its platform, which ``sandbox`` plays, does not answer."""
    run = office.request()
    assert wake.wake_soon(run.id, run.attempt)
    deployment.wait(lambda: any(call["path"].endswith(("/users.json", "/admins")) for call in asked(sandbox)))
    return run.id


def asked(sandbox: Sandbox) -> list[dict[str, str]]:
    found = sandbox.control("GET", "requests")
    assert isinstance(found, dict)
    return list(found["requests"])


def test_B3_while_one_platform_hangs_the_tick_and_the_other_platform_go_on(
    deployment: Deployment, desk: Office, zendesk: Sandbox
) -> None:
    office = deployment.office
    zendesk.control("POST", "faults", {"path": USERS, "kind": "hang"})
    deployment.scheduler()
    deployment.worker()
    hanging = hanging_run(deployment, desk, zendesk)
    further = open_office(office.app)  # of the platform that hangs, so that it would have every worker
    with write_transaction() as session:
        other, first = (session.get_one(Integration, one.integration_id) for one in (further, desk))
        other.platform, other.site, other.remote_account_id = "zendesk", "kestrel", "kestrel"
        other.credentials = seal(other, {"access_token": "another"})
        assert first.platform == other.platform
    wake.wake_soon(further.request().id, 1)

    for _ in range(2):
        last = office.sync_settings.last_success_at
        office.configure(next_run_at=utcnow())
        deployment.wait(lambda last=last: office.sync_settings.last_success_at != last)
    assert desk.run(hanging).state == "running"
    db.session.rollback()
    assert heartbeat.seen(heartbeat.WORKER).alive
    assert worked_on(utcnow()) == 1
    deployment.wait(lambda: "No answer for" in (waits_for(desk.integration_id, "Zendesk", time.time()) or ""))


def test_B3_a_worker_is_seen_though_nothing_ticks_and_its_platform_hangs(deployment: Deployment) -> None:
    office = deployment.office
    deployment.caller.control("DELETE", "requests")
    deployment.caller.fault(path="/admins", kind="hang")
    deployment.worker()
    run = hanging_run(deployment, office, deployment.caller.sandbox)
    with write_transaction() as session:
        session.execute(sa.delete(Heartbeat))

    def seen() -> bool:
        db.session.rollback()
        return heartbeat.seen(heartbeat.WORKER).alive

    deployment.wait(seen)
    assert office.run(run).state == "running"


def test_B11_a_run_whose_worker_was_killed_is_in_work_no_longer_than_its_lease(
    deployment: Deployment,
) -> None:
    deployment.caller.control("DELETE", "requests")
    deployment.caller.fault(path="/admins", kind="hang")
    program = deployment.worker()
    hanging_run(deployment, deployment.office, deployment.caller.sandbox)
    assert worked_on(utcnow()) == 1
    program.stop(SIGKILL)
    deployment.wait(lambda: worked_on(utcnow()) == 0)


def test_a_second_signal_does_not_wait_for_the_run(deployment: Deployment) -> None:
    deployment.caller.control("DELETE", "requests")
    deployment.caller.fault(path="/admins", kind="hang")
    program = deployment.worker()
    hanging_run(deployment, deployment.office, deployment.caller.sandbox)
    processes = [*workers_of(program), horse_of(program)]

    def ended() -> bool:
        program.process.send_signal(SIGTERM)
        return program.process.poll() is not None

    deployment.wait(ended)
    assert program.process.returncode in (0, -SIGTERM)  # the last of the signals may come as it ends
    deployment.wait(lambda: not any(lives(process) for process in processes if process))


def test_a_worker_that_is_killed_is_replaced_and_its_process_goes_on(deployment: Deployment) -> None:
    program = deployment.worker()
    deployment.wait(lambda: wake.workers() == 2)
    before = {worker.pid for worker in workers_of(program)}
    for worker in workers_of(program):
        worker.kill()
    deployment.wait(lambda: len({worker.pid for worker in workers_of(program)} - before) == len(before))
    run = deployment.office.request()
    wake.wake_soon(run.id, run.attempt)
    assert deployment.wait_for_end(run).state == "completed"
    assert program.process.poll() is None


def test_the_workers_end_with_the_process_that_started_them(deployment: Deployment) -> None:
    program = deployment.worker()
    deployment.wait(lambda: wake.workers() == 2)
    workers = workers_of(program)
    program.process.kill()
    program.process.wait()
    deployment.wait(lambda: not any(lives(worker) for worker in workers))
