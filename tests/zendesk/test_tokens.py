"""Tokens that end: exchanged ahead of time, by one process at a time, and stored before they are used."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
import requests
import sqlalchemy as sa

import config
from tests.servers.local import HTTP
from tests.servers.processes import ROOT, wait_until
from tests.zendesk.conftest import Desk
from webapp.core.credentials import seal, unseal
from webapp.core.database import write_transaction
from webapp.core.models import Integration, db, utcnow
from webapp.platforms import tokens
from webapp.platforms.base import AccessDenied, Unavailable
from webapp.platforms.oauth import LIFETIME_MAX
from webapp.platforms.tokens import token_of
from webapp.platforms.zendesk import oauth as zendesk_oauth


@pytest.fixture
def connected(desk: Desk) -> Desk:
    desk.connect()
    return desk


def stored(desk: Desk) -> dict[str, object]:
    with desk.app.app_context():
        return unseal(db.session.scalars(sa.select(Integration)).one())


def end_soon(desk: Desk) -> None:
    """The stored token is about to end."""
    with desk.app.app_context(), write_transaction() as session:
        integration = session.scalars(sa.select(Integration)).one()
        integration.credentials = seal(
            integration, unseal(integration) | {"expires_at": int(time.time()) + 60}
        )


def exchanges(desk: Desk) -> int:
    asked = desk.zendesk.control("GET", "requests")["requests"]  # type: ignore[index]
    return sum(one["path"] == "/kestrel/oauth/tokens" for one in asked)


def test_a_token_far_from_its_end_is_used_as_it_is(connected: Desk) -> None:
    connected.zendesk.control("DELETE", "requests")
    with connected.app.app_context():
        token = token_of(db.session.scalars(sa.select(Integration)).one())
        assert token.current() == stored(connected)["access_token"]
    assert exchanges(connected) == 0


def test_a_token_near_its_end_is_exchanged_and_the_new_pair_is_stored(connected: Desk) -> None:
    end_soon(connected)
    before = stored(connected)
    run = connected.enable()
    assert run.state == "completed", run.message
    after = stored(connected)
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert connected.sync().state == "completed"


def test_a_token_refused_before_its_time_is_exchanged_once(connected: Desk) -> None:
    with connected.app.app_context(), write_transaction() as session:
        integration = session.scalars(sa.select(Integration)).one()
        integration.credentials = seal(integration, unseal(integration) | {"access_token": "gone-by-now"})
    assert connected.enable().state == "completed"


EIGHT = """
import json, pathlib, sys
import sqlalchemy as sa
import config, webapp
from webapp.core.models import Integration, db, utcnow
from webapp.platforms.tokens import token_of

given = json.loads(sys.argv[1])
client = config.OAuthClient(**given.pop("zendesk"))
folder = pathlib.Path(given.pop("data_dir"))
app = webapp.create_app(config.test_settings(data_dir=folder, zendesk=client, **given))
with app.app_context():
    integration = db.session.scalars(sa.select(Integration)).one()
    print("ready", flush=True)
    sys.stdin.readline()
    print(token_of(integration).current(), flush=True)
"""


def given_to_programs(settings: config.Settings) -> str:
    return json.dumps(
        {
            "database_url": settings.database_url,
            "redis_url": settings.redis_url,
            "data_dir": str(settings.data_dir),
            "zendesk": asdict(settings.zendesk),
        }
    )


def test_eight_processes_at_once_exchange_once(connected: Desk, settings: config.Settings) -> None:
    """Each has its own connections and nothing in common with the others but the database."""
    end_soon(connected)
    connected.zendesk.control("DELETE", "requests")
    command = [sys.executable, "-c", EIGHT, given_to_programs(settings)]
    with ExitStack() as started:
        programs = [
            started.enter_context(
                subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            for _ in range(8)
        ]
        for program in programs:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
        for program in programs:
            assert program.stdin is not None
            program.stdin.write("go\n")
            program.stdin.flush()
        found = [program.communicate(timeout=60)[0].strip() for program in programs]
    assert [program.returncode for program in programs] == [0] * 8
    assert set(found) == {stored(connected)["access_token"]}
    assert exchanges(connected) == 1


def test_a_dead_refresh_token_asks_for_a_new_consent_at_once(connected: Desk) -> None:
    end_soon(connected)
    connected.fault(path="/anything", kind="revoke")
    connected.zendesk.control("DELETE", "requests")
    run = connected.enable()
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert connected.integration().connection == "broken"
    assert exchanges(connected) == 1
    with connected.app.app_context():
        integration = db.session.scalars(sa.select(Integration)).one()
        assert integration.refreshing_until is None
        with pytest.raises(AccessDenied):
            token_of(integration).current()


def test_B6_a_token_that_was_renewed_after_the_backup_asks_to_reconnect_and_says_why(connected: Desk) -> None:
    end_soon(connected)
    connected.fault(path="/anything", kind="revoke")
    with connected.app.app_context(), write_transaction() as session:
        session.scalars(sa.select(Integration)).one().restored_at = utcnow()
    run = connected.enable()
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert "because Rollcall was restored from a backup on " in (run.message or "")
    assert "An administrator must reconnect to resume." in (run.message or "")


def test_zendesk_being_down_loses_nothing(connected: Desk) -> None:
    end_soon(connected)
    before = stored(connected)
    connected.fault(path="/oauth/tokens", kind="status", status=503)
    with connected.app.app_context(), pytest.raises(Unavailable):
        token_of(db.session.scalars(sa.select(Integration)).one()).current()
    assert stored(connected) == before
    connected.zendesk.control("DELETE", "faults")
    assert connected.enable().state == "completed"


def leave_lease(desk: Desk, ahead: timedelta) -> None:
    """A process began an exchange and is gone; its lease ends so far from now."""
    with desk.app.app_context(), write_transaction() as session:
        integration = session.scalars(sa.select(Integration)).one()
        integration.refreshing_until = utcnow() + ahead


@pytest.mark.parametrize("ahead", [timedelta(seconds=-1), timedelta(hours=2)])
def test_b10_a_process_that_died_during_an_exchange_holds_nobody_up_for_long(
    connected: Desk, ahead: timedelta
) -> None:
    """Nor does one that began it before the clock was set back."""
    end_soon(connected)
    leave_lease(connected, ahead)
    with connected.app.app_context():
        assert token_of(db.session.scalars(sa.select(Integration)).one()).current()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, True),
        ({"access_token": "a\r\nX: y"}, False),
        ({"access_token": "geheim\u0142"}, False),
        ({"access_token": "a" * 9_000}, False),
        ({"refresh_token": "\0"}, False),
        ({"refresh_token": ["x"]}, False),
        ({"expires_in": 10**400}, True),
        ({"expires_in": -5}, True),
    ],
    ids=ascii,
)
def test_A15_only_a_token_that_a_header_can_carry_is_kept_and_it_ends_in_time(
    sent: dict[str, Any], kept: bool
) -> None:
    answer = requests.Response()
    answer.status_code = 200
    answer._content = json.dumps(
        {"access_token": "a", "refresh_token": "b", "expires_in": 600} | sent
    ).encode()
    token = zendesk_oauth._token(answer)
    assert (token is not None) == kept
    if token is not None:
        assert 0 < token["expires_at"] - time.time() <= LIFETIME_MAX


EXCHANGING = EIGHT.replace("sys.stdin.readline()\n    print(", "print(")


def test_b14_a_worker_killed_while_the_keys_were_exchanged_is_what_people_read(
    connected: Desk, settings: config.Settings
) -> None:
    """Zendesk has given new keys, and whoever asked for them is killed before they arrive."""
    end_soon(connected)
    connected.zendesk.control("DELETE", "requests")
    old = stored(connected)["access_token"]
    connected.fault(path="/oauth/tokens", kind="slow", seconds=3, times=1)
    command = [sys.executable, "-c", EXCHANGING, given_to_programs(settings)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as worker:
        wait_until(lambda: exchanges(connected) == 1)
        worker.kill()
    me = f"{connected.zendesk.url}/kestrel/api/v2/users/me.json"
    wait_until(lambda: HTTP.get(me, headers={"Authorization": f"Bearer {old}"}).status_code == 401)
    assert stored(connected)["access_token"] == old
    leave_lease(connected, timedelta(seconds=-1))
    run = connected.enable()
    assert (run.state, run.error_kind, connected.integration().connection) == (
        "failed",
        "access_denied",
        "broken",
    )
    assert (run.message or "").startswith(
        "A worker was stopped while it exchanged the keys of this connection"
    )
    assert "Zendesk gave new keys that never arrived" in (run.message or "")
    assert "An administrator must reconnect to resume." in (run.message or "")
    assert "revoked" not in (run.message or "")
    connected.connect()
    assert connected.sync().state == "completed"


def test_b14_an_answer_that_breaks_off_costs_the_keys_as_well(connected: Desk) -> None:
    end_soon(connected)
    connected.fault(path="/oauth/tokens", kind="truncate", times=1)
    with connected.app.app_context(), pytest.raises(Unavailable):
        token_of(db.session.scalars(sa.select(Integration)).one()).current()
    run = connected.enable()
    assert (run.error_kind, connected.integration().connection) == ("access_denied", "broken")
    assert "Zendesk gave new keys that never arrived" in (run.message or "")


def test_b14_an_answer_that_never_came_is_remembered_until_the_next_exchange(connected: Desk) -> None:
    end_soon(connected)
    connected.fault(path="/oauth/tokens", kind="drop-connection")
    with connected.app.app_context(), pytest.raises(Unavailable):
        token_of(db.session.scalars(sa.select(Integration)).one()).current()
    assert connected.integration().refreshing_until is not None
    connected.zendesk.control("DELETE", "faults")
    assert connected.enable().state == "completed"
    assert connected.integration().refreshing_until is None


def test_b14_new_keys_are_stored_as_soon_as_the_database_lets_them(
    connected: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old ones are gone, so a database that is locked for a moment must not cost the connection."""
    end_soon(connected)
    store = tokens._Exchange._store
    tries: list[int] = []

    def locked_at_first(*given: Any) -> dict[str, Any]:
        tries.append(1)
        if len(tries) < 3:
            raise sa.exc.TimeoutError("no connection was free")
        return store(*given)

    monkeypatch.setattr(tokens._Exchange, "_store", locked_at_first)
    assert connected.enable().state == "completed"
    assert len(tries) == 3
