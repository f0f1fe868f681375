"""Notices about teammates: as Intercom's documentation describes them, and as the product takes them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.sandbox.caller import CLIENT, Caller
from tests.servers.processes import wait_until
from tests.servers.receiver import Receiver, receiver_server
from tests.sync.office import open_office

ADMIN = {
    "id": "1295",
    "name": "Joe Example",
    "email": "joe@example.com",
    "role": {"id": "1", "name": "Agent"},
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_server() as running:
        yield running


def sent(caller: Caller) -> list[list[int | None]]:
    """What each notice was answered with so far."""
    return [notice["answers"] for notice in caller.control("GET", "notices")["sent"]]


def wait(caller: Caller, answers: list[list[int | None]]) -> None:
    wait_until(lambda: sent(caller) == answers)


def test_who_is_added_and_removed_is_noticed_signed_and_nothing_else_is(
    caller: Caller, receiver: Receiver
) -> None:
    caller.control("POST", "admins", ADMIN | {"id": "1294"})
    caller.control("PUT", "notices", {"url": receiver.url})
    caller.control("POST", "admins", ADMIN)
    wait(caller, [[200]])
    caller.control("PATCH", "admins/1295", {"name": "Joe Other"})  # no change of a name is ever noticed
    caller.control("DELETE", "admins/1295")
    wait(caller, [[200], [200]])
    told = []
    for _path, headers, body in receiver.received:
        secret = CLIENT["client_secret"].encode()
        assert headers["x-hub-signature"] == "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
        told.append(json.loads(body))
    assert [(one["topic"], one["data"]["item"]["name"]) for one in told] == [
        ("admin.added_to_workspace", "Joe Example"),
        ("admin.removed_from_workspace", "Joe Other"),
    ]
    assert {one["app_id"] for one in told} == {"kx41demo"}
    assert len({one["id"] for one in told}) == 2
    item = told[0]["data"]["item"]
    assert (item["id"], item["type"], item["away_status_reason"]) == (1295, "admin", "")
    assert "role" not in item


def test_a_notice_that_is_not_taken_is_sent_once_more_and_then_given_up(
    caller: Caller, receiver: Receiver
) -> None:
    receiver.answers = [503]
    caller.control("PUT", "notices", {"url": receiver.url, "again_after": 0})
    caller.control("POST", "admins", ADMIN)
    wait(caller, [[503, 503]])
    first, second = (json.loads(body) for _, _, body in receiver.received)
    assert first["id"] == second["id"]
    assert (first["delivery_attempts"], second["delivery_attempts"]) == (1, 2)


@pytest.mark.parametrize(
    "order",
    [
        {"url": "http://example.com/hook"},
        {"url": "https://127.0.0.1/hook"},
        {"url": "nonsense"},
        {"url": "http://127.0.0.1:x/"},
        {"url": "http://127.0.0.1:9/", "again_after": -1},
        {"url": 1},
        {},
    ],
)
def test_an_address_elsewhere_is_refused(caller: Caller, order: object) -> None:
    answer = caller.call("PUT", "/control/notices", json=order)
    assert (answer.status_code, caller.control("GET", "notices")["url"]) == (400, None)


def test_the_product_takes_such_a_notice(
    app: Flask, client: FlaskClient, caller: Caller, receiver: Receiver
) -> None:
    with app.app_context():
        office = open_office(app)
        workspace = office.integration.remote_account_id
    caller.control("PATCH", "workspace", {"id_code": workspace})
    caller.control("PUT", "notices", {"url": receiver.url})
    caller.control("POST", "admins", ADMIN)
    wait(caller, [[200]])
    ((_, headers, body),) = receiver.received
    signed = {"X-Hub-Signature": headers["x-hub-signature"]}
    answer = client.post("/hooks/intercom", data=body, headers=signed, content_type="application/json")
    assert (answer.status_code, answer.json) == (200, {"status": "requested"})
