"""A notice of Intercom makes the next normal run come sooner, and can do nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.sync.office import SOMEBODY, Office, open_office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import ContractFeature, Integration, PlatformNotice, SyncRun, db, utcnow
from webapp.integrations.platform_webhooks import receive
from webapp.integrations.shared import pause
from webapp.integrations.user_sync import settings as use
from webapp.platforms.base import Unavailable

ADDRESS = "/hooks/intercom"


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """A contract with a connected platform in memory and User sync on; the app context is pushed."""
    with app.app_context():
        yield open_office(app)


def notice(**changes: object) -> bytes:
    """As Intercom sends it, for the office's workspace."""
    whole = {
        "type": "notification_event",
        "app_id": "workspace-1",
        "topic": "admin.added_to_workspace",
        "id": "notif_593f00e1",
        "data": {
            "type": "notification_event_data",
            "item": {"type": "admin", "id": 1234567, "name": "Bo Williams", "email": "bo@example.com"},
        },
        "delivery_attempts": 1,
        "created_at": 1768017182,
    }
    return json.dumps(whole | changes).encode()


def sign(app: Flask, body: bytes) -> str:
    secret = app.extensions["settings"].intercom.client_secret
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def send(client: FlaskClient, app: Flask, body: bytes, signature: str | None = None) -> TestResponse:
    headers = {"X-Hub-Signature": sign(app, body) if signature is None else signature}
    answer = client.post(ADDRESS, data=body, headers=headers, content_type="application/json")
    db.session.remove()
    return answer


def runs(office: Office) -> list[SyncRun]:
    db.session.rollback()
    return list(
        db.session.scalars(
            sa.select(SyncRun).where(SyncRun.integration_id == office.integration_id).order_by(SyncRun.id)
        )
    )


@pytest.mark.parametrize("topic", ["admin.added_to_workspace", "admin.removed_from_workspace"])
def test_a_notice_asks_for_a_normal_run(office: Office, client: FlaskClient, app: Flask, topic: str) -> None:
    answer = send(client, app, notice(topic=topic))
    assert (answer.status_code, answer.json) == (200, {"status": "requested"})
    (run,) = runs(office)
    assert (run.state, run.trigger, run.requested_by) == ("queued", "schedule", "Intercom’s notice")
    assert office.users() == {}  # what it says of somebody is not believed
    office.platform.people_there = [person("1", "Ada", "ada@example.com")]
    office.work(run)
    assert set(office.users()) == {"ada@example.com"}


def test_it_is_answered_without_platform_and_without_queue(
    office: Office, client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr("redis.connection.AbstractConnection.connect", never)
    monkeypatch.setattr("requests.Session.request", never)
    assert send(client, app, notice()).status_code == 200
    assert office.platform.reads == 0


def test_the_same_notice_counts_once(office: Office, client: FlaskClient, app: Flask) -> None:
    assert send(client, app, notice()).json == {"status": "requested"}
    run = runs(office)[0]
    office.work(run)
    assert send(client, app, notice(delivery_attempts=2)).json == {"status": "repeated"}
    assert len(runs(office)) == 1


def test_a_burst_of_notices_is_one_run_and_one_look_afterwards(
    office: Office, client: FlaskClient, app: Flask
) -> None:
    for number in range(20):
        send(client, app, notice(id=f"notif_{number}"))
    (run,) = runs(office)
    office.work(run)
    send(client, app, notice(id="notif_late"))
    assert len(runs(office)) == 1
    soon = utcnow() + timedelta(minutes=2)
    assert (office.sync_settings.next_run_at or utcnow()) < soon
    office.tick(soon)
    assert len(runs(office)) == 2


def test_a_notice_never_puts_a_run_off(office: Office, client: FlaskClient, app: Flask) -> None:
    planned = utcnow() + timedelta(seconds=5)
    office.configure(next_run_at=planned)
    office.request()
    send(client, app, notice())
    assert office.sync_settings.next_run_at == planned


@pytest.mark.parametrize(
    "signature", ["", "sha1=", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "é", "sha1=é", "nonsense"]
)
def test_what_is_not_signed_is_refused(
    office: Office, client: FlaskClient, app: Flask, signature: str
) -> None:
    assert send(client, app, notice(), signature).status_code == 400
    assert runs(office) == []


def test_a_signature_of_another_body_or_without_its_name_is_refused(
    office: Office, client: FlaskClient, app: Flask
) -> None:
    right = sign(app, notice())
    assert send(client, app, notice(id="another"), right).status_code == 400
    assert send(client, app, notice(), right.removeprefix("sha1=")).status_code == 400
    assert runs(office) == []


def test_without_a_secret_of_our_own_nothing_is_signed() -> None:
    empty = "sha1=" + hmac.new(b"", notice(), hashlib.sha1).hexdigest()
    with pytest.raises(receive.NotSigned):
        receive.receive(notice(), empty, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": "unknown"},
        {"app_id": ""},
        {"topic": "ping", "id": None},
        {"topic": "admin.logged_in"},
        {"topic": "conversation.user.created"},
        {"id": None},
        {"id": ""},
        {"id": "x" * 101},
        {"id": "no\x00tif"},
        {"app_id": "workspace-1\x00"},
    ],
)
def test_what_does_not_concern_us_is_answered_and_ignored(
    office: Office, client: FlaskClient, app: Flask, changes: dict[str, object]
) -> None:
    answer = send(client, app, notice(**changes))
    assert (answer.status_code, answer.json) == (200, {"status": "ignored"})
    assert runs(office) == []
    assert db.session.scalars(sa.select(PlatformNotice)).all() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"topic": 1}', b"[" * 5000])
def test_what_is_signed_and_still_no_notice_is_refused(
    office: Office, client: FlaskClient, app: Flask, body: bytes
) -> None:
    assert send(client, app, body).status_code == 400
    assert runs(office) == []


def test_a_body_without_end_is_refused(office: Office, client: FlaskClient, app: Flask) -> None:
    assert send(client, app, notice(data="x" * 70_000)).status_code == 413
    assert runs(office) == []


@pytest.mark.parametrize("off", ["sync", "feature", "connection"])
def test_what_is_switched_off_stays_off(office: Office, client: FlaskClient, app: Flask, off: str) -> None:
    if off == "sync":
        use.disable(office.integration_id, SOMEBODY, stop_running=True)
    with write_transaction() as session:
        if off == "feature":
            session.execute(sa.delete(ContractFeature))
        if off == "connection":
            session.get_one(Integration, office.integration_id, populate_existing=True).connection = "broken"
    assert send(client, app, notice()).json == {"status": "ignored"}
    assert runs(office) == []


def test_a_paused_schedule_stays_paused(office: Office, client: FlaskClient, app: Flask) -> None:
    pause.pause(office.integration_id, SOMEBODY, "")
    assert send(client, app, notice()).json == {"status": "ignored"}
    assert runs(office) == []


def test_tries_that_are_spaced_out_are_not_brought_closer_together(
    office: Office, client: FlaskClient, app: Flask
) -> None:
    office.platform.error = Unavailable("Intercom did not answer.")
    failed_id = office.sync().id
    planned = office.sync_settings.next_run_at
    assert send(client, app, notice()).json == {"status": "ignored"}
    assert [run.id for run in runs(office)] == [failed_id]
    assert office.sync_settings.next_run_at == planned


def test_every_contract_of_the_workspace_is_looked_at(
    office: Office, client: FlaskClient, app: Flask
) -> None:
    other = office.another()
    send(client, app, notice())
    assert (len(runs(office)), len(runs(other))) == (1, 1)


def test_intercom_is_told_that_the_address_is_right(client: FlaskClient) -> None:
    answer = client.head(ADDRESS)
    assert (answer.status_code, answer.data) == (200, b"")


def test_old_notices_are_forgotten(office: Office, client: FlaskClient, app: Flask) -> None:
    send(client, app, notice())
    with write_transaction() as session:
        receive.tidy(session, utcnow() + timedelta(days=8))
    assert db.session.scalars(sa.select(PlatformNotice)).all() == []
