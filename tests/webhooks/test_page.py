"""The Webhook page: setting it up, the secret that is shown once, a test event, the log, and removing it."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor
from tests.pages import problems_of_page
from tests.servers.receiver import Receiver
from tests.sync.office import Office
from webapp.core.models import AuditEvent, Contract, WebhookDelivery, db
from webapp.jobs import functions

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def page(office: Office) -> str:
    return f"/c/{db.session.get_one(Contract, office.contract_id).slug}/webhook"


def set_up(ines: Actor, page: str, receiver: Receiver) -> str:
    answer = ines.post(page, {"url": receiver.url, "events": ["run.held", "run.failed"]})
    assert answer.status_code == 200
    assert problems_of_page(answer.text) == []
    (secret,) = set(SECRET.findall(answer.text))
    db.session.remove()
    return secret


def test_the_secret_is_shown_once(ines: Actor, page: str, receiver: Receiver) -> None:
    secret = set_up(ines, page, receiver)
    again = ines.get(page)
    assert secret not in again.text
    assert receiver.url in again.text
    answer = ines.post(f"{page}/secret")
    (newer,) = set(SECRET.findall(answer.text))
    assert newer != secret
    assert newer not in ines.get(page).text


def test_a_test_event_is_sent_and_its_line_says_how_it_went(
    ines: Actor, page: str, receiver: Receiver
) -> None:
    set_up(ines, page, receiver)
    assert "A test event is on its way." in ines.post(f"{page}/test", follow_redirects=True).text
    functions.deliver_webhooks()
    db.session.remove()
    assert b'"type":"test"' in receiver.received[0][2]
    text = ines.get(page).text
    assert "Test event" in text
    assert "Delivered" in text
    assert problems_of_page(text) == []


def test_test_events_do_not_pile_up_and_are_not_tried_again(
    ines: Actor, page: str, receiver: Receiver
) -> None:
    set_up(ines, page, receiver)
    receiver.answers = [500, 200]
    ines.post(f"{page}/test")
    assert "on its way already" in ines.post(f"{page}/test", follow_redirects=True).text
    db.session.remove()
    functions.deliver_webhooks()
    assert [row.state for row in db.session.scalars(sa.select(WebhookDelivery))] == ["failed"]
    db.session.remove()
    assert "A test event is on its way." in ines.post(f"{page}/test", follow_redirects=True).text
    functions.deliver_webhooks()
    db.session.remove()
    assert len(receiver.received) == 2
    assert "Delivered" in ines.get(page).text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"url": "", "events": ["run.held"]}, "Enter the address of your receiver."),
        ({"url": "https://10.0.0.1/hook", "events": ["run.held"]}, "inside a private network"),
        ({"url": "http://example.com/hook", "events": ["run.held"]}, "must start with https://"),
        (
            {"url": "https://user:pw@example.com/", "events": ["run.held"]},
            "Take the user name and password out",
        ),
        ({"url": "http://127.0.0.1:9/", "events": []}, "Choose at least one event."),
        ({"url": "http://127.0.0.1:9/", "events": ["run.exploded"]}, "not a valid choice"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    ines: Actor, page: str, form: dict[str, object], said: str
) -> None:
    answer = ines.post(page, form)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Send test event" not in ines.get(page).text


def test_removing_asks_first(ines: Actor, page: str, receiver: Receiver) -> None:
    set_up(ines, page, receiver)
    assert "Remove the webhook?" in ines.get(f"{page}/remove").text
    db.session.remove()
    assert "The webhook is removed." in ines.post(f"{page}/remove", follow_redirects=True).text
    db.session.remove()
    assert receiver.url not in ines.get(page).text
    for path in ("secret", "test", "remove"):
        assert "There is no webhook any more" in ines.post(f"{page}/{path}", follow_redirects=True).text


def test_every_change_is_written_down_and_no_secret_with_it(
    ines: Actor, page: str, receiver: Receiver, app: Flask
) -> None:
    secret = set_up(ines, page, receiver)
    ines.post(page, {"url": receiver.url, "events": ["run.held"]})
    ines.post(f"{page}/secret")
    ines.post(f"{page}/test")
    ines.post(f"{page}/remove")
    db.session.remove()
    events = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action.like("webhook.%")).order_by(AuditEvent.id)
    ).all()
    assert [event.action.partition(".")[2] for event in events] == [
        "created",
        "changed",
        "secret_renewed",
        "tested",
        "removed",
    ]
    assert secret not in repr([(event.target, event.details) for event in events])


def test_A8_what_is_secret_in_an_address_is_in_no_entry_of_the_audit_log(
    ines: Actor, page: str, receiver: Receiver, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """Those who may read it may not all open the webhook."""
    caplog.set_level("DEBUG")
    first, second = f"{receiver.url}/T0KEN/s3cret?key=s3cret", f"{receiver.url}/T0KEN/0ther"
    for url in (first, second, first):
        assert ines.post(page, {"url": url, "events": ["run.held"]}, follow_redirects=True).status_code == 200
    for path in ("secret", "test", "remove"):
        ines.post(f"{page}/{path}")
    db.session.remove()
    events = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action.like("webhook.%")).order_by(AuditEvent.id)
    ).all()
    written = repr([(event.target, event.details) for event in events])
    assert len(events) == 6
    assert not [word for word in ("T0KEN", "s3cret", "0ther") if word in written + caplog.text]
    assert all(event.target.startswith(f"http://127.0.0.1:{receiver.port} (address ") for event in events)
    targets = [event.target for event in events[:3]]
    assert targets[0] == targets[2] != targets[1]  # the same address is seen to be the same
    assert events[1].details is not None
    assert events[1].details["address"] == {"before": targets[0], "after": targets[1]}
