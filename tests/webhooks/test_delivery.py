"""Events arrive signed, are tried again, and are given up; nothing waits for a receiver but their own delivery."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import make_contract
from tests.servers.receiver import Receiver
from tests.sync.office import SOMEBODY, Office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import Contract, Webhook, WebhookDelivery, db, utcnow
from webapp.integrations.user_sync import preview_service
from webapp.jobs import functions
from webapp.notifications.webhooks import delivery, sending
from webapp.notifications.webhooks import service as use
from webapp.notifications.webhooks.addresses import AddressRefused
from webapp.platforms.base import Unavailable
from webapp.sync.plan.what_if import WhatIf

CROWD = [person(str(number), f"Person {number}", f"p{number}@example.com") for number in range(20)]
ALL = list(use.EVENTS)


def set_up(office: Office, url: str, events: list[str] | None = None) -> str:
    """The office's webhook; its secret."""
    contract = db.session.get_one(Contract, office.contract_id)
    saved = use.save(contract, url=url, events=events or ALL, settings=office.app.extensions["settings"])
    return saved.secret or ""


def rows() -> list[WebhookDelivery]:
    db.session.rollback()
    statement = sa.select(WebhookDelivery).order_by(WebhookDelivery.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def pause_is_over() -> None:
    with write_transaction() as session:
        session.execute(sa.update(WebhookDelivery).values(next_try_at=utcnow()))


def test_the_end_of_a_run_arrives_signed(office: Office, receiver: Receiver) -> None:
    secret = set_up(office, receiver.url)
    run = office.sync(*CROWD)
    functions.deliver_webhooks()
    ((path, headers, body),) = receiver.received
    assert path == "/hook?of=rollcall"
    assert headers["content-type"] == "application/json"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) >= 24
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300  # what receivers tolerate
    event = json.loads(body)
    assert event["type"] == "run.finished"
    assert {name: event["data"][name] for name in ("run", "platform", "state", "found", "imported")} == {
        "run": run.id,
        "platform": "intercom",
        "state": "completed",
        "found": 20,
        "imported": 20,
    }
    (row,) = rows()
    assert (row.state, row.status, row.attempts, row.error) == ("delivered", 200, 1, None)
    assert row.milliseconds is not None


def test_no_transaction_is_open_while_the_network_is_waited_for(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_then: list[bool] = []

    def looked_up(*_: object, **__: object) -> str:
        open_then.append(db.session().in_transaction())
        return "127.0.0.1"

    def posted(*_: object) -> int:
        open_then.append(db.session().in_transaction())
        return 200

    monkeypatch.setattr("webapp.notifications.webhooks.service.resolve", looked_up)
    monkeypatch.setattr(delivery, "resolve", looked_up)
    monkeypatch.setattr(delivery, "post", posted)
    set_up(office, receiver.url)
    office.sync(*CROWD)
    functions.deliver_webhooks()
    assert open_then == [False] * 3


def test_held_and_failed_runs_are_events_too(office: Office, receiver: Receiver) -> None:
    set_up(office, receiver.url)
    office.sync(*CROWD)
    office.sync(*CROWD[:2])
    office.platform.error = Unavailable("Intercom did not answer.")
    office.sync()
    assert [row.event for row in rows()] == ["run.finished", "run.held", "run.failed"]


def test_a_run_that_was_given_up_is_an_event(office: Office, receiver: Receiver) -> None:
    set_up(office, receiver.url)
    run = office.request()
    with write_transaction() as session:
        session.execute(
            sa.text("UPDATE sync_runs SET state = 'running', interruptions = 4, lease_expires_at = :past"),
            {"past": (utcnow() - timedelta(hours=1)).replace(tzinfo=None)},
        )
    assert office.tick().given_up == 1
    assert [(row.event, row.run_id) for row in rows()] == [("run.failed", run.id)]


def test_only_chosen_events_are_written(office: Office, receiver: Receiver) -> None:
    set_up(office, receiver.url, ["run.held"])
    office.sync(*CROWD)
    office.sync(*CROWD[:2])
    assert [row.event for row in rows()] == ["run.held"]


def test_previews_and_other_contracts_are_no_events(office: Office, receiver: Receiver) -> None:
    set_up(office, receiver.url)
    office.another().sync(*CROWD)
    office.platform.people_there = CROWD
    office.work(preview_service.request_preview(office.integration_id, SOMEBODY, WhatIf()))
    assert rows() == []


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 500, 503])
def test_whatever_is_no_success_is_tried_again(office: Office, receiver: Receiver, status: int) -> None:
    set_up(office, receiver.url)
    receiver.answers = [status, 204]
    receiver.location = f"http://127.0.0.1:{receiver.port}/elsewhere"
    office.sync(*CROWD)
    functions.deliver_webhooks()
    (row,) = rows()
    assert (row.state, row.status) == ("waiting", status)
    assert f"The receiver answered {status}." in (row.error or "")
    pause_is_over()
    functions.deliver_webhooks()
    assert (rows()[0].state, rows()[0].attempts) == ("delivered", 2)
    assert [path for path, _, _ in receiver.received] == ["/hook?of=rollcall"] * 2
    first, second = receiver.received
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert first[2] == second[2]


def test_the_pauses_grow_and_then_it_is_given_up(office: Office, receiver: Receiver) -> None:
    set_up(office, receiver.url)
    receiver.answers = [500]
    office.sync(*CROWD)
    for pause in delivery.PAUSES:
        before = utcnow()
        functions.deliver_webhooks()
        (row,) = rows()
        assert row.state == "waiting"
        assert row.next_try_at >= before + pause
        pause_is_over()
    functions.deliver_webhooks()
    (row,) = rows()
    assert (row.state, row.attempts) == ("failed", len(delivery.PAUSES) + 1)
    pause_is_over()
    functions.deliver_webhooks()
    assert len(receiver.received) == len(delivery.PAUSES) + 1


def test_a_receiver_that_says_nothing_is_left(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SILENCE", 0.2)
    set_up(office, receiver.url)
    receiver.silent = True
    office.sync(*CROWD)
    functions.deliver_webhooks()
    (row,) = rows()
    assert (row.state, row.status) == ("waiting", None)
    assert row.error


def test_a_receiver_that_is_away_is_tried_again(office: Office) -> None:
    set_up(office, "http://127.0.0.1:9/")
    office.sync(*CROWD)
    functions.deliver_webhooks()
    (row,) = rows()
    assert (row.state, row.error) == ("waiting", "The receiver could not be reached.")


def test_a_receiver_that_says_nothing_keeps_nobody_elses_events_waiting(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    real_post = sending.post

    def counting(target: Any, *rest: Any) -> int:
        tried.append(target.port)
        return real_post(target, *rest)

    monkeypatch.setattr(delivery, "post", counting)
    set_up(office, "http://127.0.0.1:9/hook")
    for size in (20, 19, 18):
        office.sync(*CROWD[:size])
    neighbour = make_contract(office.app, "neighbour")
    db.session.rollback()
    other = db.session.get_one(Contract, neighbour)
    use.save(other, url=receiver.url, events=ALL, settings=office.app.extensions["settings"])
    use.send_test(other)
    functions.deliver_webhooks()
    assert tried.count(9) == 1
    assert len(receiver.received) == 1
    first, second, third, test = rows()
    assert (first.attempts, second.attempts, third.attempts, test.state) == (1, 0, 0, "delivered")
    assert timedelta(0) < second.next_try_at - utcnow() <= delivery.RESTS
    pause_is_over()
    functions.deliver_webhooks()
    assert tried.count(9) == 2
    assert [row.attempts for row in rows()[:3]] == [2, 0, 0]


def test_an_address_is_looked_up_and_judged_again_at_each_delivery(
    office: Office, receiver: Receiver, app: Flask
) -> None:
    """A name that was public when it was saved may lead inside by now."""
    set_up(office, receiver.url)
    office.sync(*CROWD)
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], webhook_loopback=False)
    functions.deliver_webhooks()
    assert receiver.received == []
    assert rows()[0].state == "waiting"
    with write_transaction() as session:
        session.execute(sa.update(Webhook).values(url=f"https://127.0.0.1:{receiver.port}/"))
    pause_is_over()
    functions.deliver_webhooks()
    assert "inside a private network" in (rows()[0].error or "")


def test_the_connection_goes_to_the_address_that_was_judged(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks the name up a second time, when it could lead elsewhere."""
    set_up(office, receiver.url.replace("127.0.0.1", "localhost"))
    office.sync(*CROWD)
    monkeypatch.setattr(delivery, "resolve", lambda target, loopback: "127.0.0.1")

    def never(*arguments: object, **_: object) -> object:
        assert arguments[0] == "127.0.0.1"
        return real(*arguments, **_)

    real = sending.socket.getaddrinfo
    monkeypatch.setattr(sending.socket, "getaddrinfo", never)
    functions.deliver_webhooks()
    assert receiver.received[0][1]["host"] == f"localhost:{receiver.port}"


def test_a_receiver_that_cannot_prove_itself_gets_nothing_of_the_event(
    office: Office, receiver: Receiver
) -> None:
    """The receiver here speaks no TLS at all."""
    set_up(office, receiver.url.replace("http://", "https://"))
    office.sync(*CROWD)
    functions.deliver_webhooks()
    assert receiver.received == []
    assert rows()[0].state == "waiting"


def test_a_webhook_that_goes_takes_its_deliveries_along(office: Office, receiver: Receiver) -> None:
    set_up(office, receiver.url)
    office.sync(*CROWD)
    use.remove(db.session.get_one(Contract, office.contract_id))
    functions.deliver_webhooks()
    assert (rows(), receiver.received) == ([], [])


def test_another_address_gets_nothing_that_was_meant_for_the_old_one(
    office: Office, receiver: Receiver
) -> None:
    set_up(office, "http://127.0.0.1:9/")
    office.sync(*CROWD)
    set_up(office, receiver.url)
    functions.deliver_webhooks()
    assert receiver.received == []


@pytest.mark.parametrize(
    "change", ["another address", "removed and set up anew", "removed by another contract"]
)
def test_what_a_worker_has_taken_does_not_go_to_an_address_of_later(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The webhook changes while a worker sends the first of two events that it has taken."""
    set_up(office, receiver.url)
    office.sync(*CROWD)
    office.sync(*CROWD)
    contract = db.session.get_one(Contract, office.contract_id)
    elsewhere = receiver.url + "&later"
    first = sending.post

    def post(*given: Any) -> int:
        monkeypatch.setattr(delivery, "post", first)
        status = first(*given)
        if change == "another address":
            set_up(office, elsewhere)
        else:
            use.remove(contract)
            if change == "removed and set up anew":
                set_up(office, elsewhere)
            else:
                other = db.session.get_one(Contract, make_contract(office.app, "other"))
                use.save(other, url=elsewhere, events=ALL, settings=office.app.extensions["settings"])
        return status

    monkeypatch.setattr(delivery, "post", post)
    functions.deliver_webhooks()
    assert [path for path, _, _ in receiver.received] == ["/hook?of=rollcall"]


def test_the_secret_is_stored_unreadable(office: Office, receiver: Receiver) -> None:
    secret = set_up(office, receiver.url)
    with db.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT * FROM webhooks")).one()
    assert secret not in repr(row)
    assert secret.removeprefix("whsec_") not in repr(row)


def test_old_deliveries_are_forgotten(office: Office, receiver: Receiver) -> None:
    set_up(office, receiver.url)
    office.sync(*CROWD)
    with write_transaction() as session:
        session.execute(sa.update(WebhookDelivery).values(created_at=utcnow() - timedelta(days=31)))
    with write_transaction() as session:
        delivery.tidy(session, utcnow())
    assert rows() == []


def test_saving_looks_the_address_up(office: Office, app: Flask) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], webhook_loopback=False)
    with pytest.raises(AddressRefused):
        set_up(office, "https://169.254.169.254/latest/meta-data")
    assert use.webhook_of(office.contract_id) is None
