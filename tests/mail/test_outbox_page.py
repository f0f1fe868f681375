"""The outbox page: what was written, what became of it, and never what is for its recipient alone."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor, make_contract
from tests.servers.mail import Mailbox
from webapp.core.database import write_transaction
from webapp.core.models import Account
from webapp.jobs import functions
from webapp.notifications.mail import outbox

LINK = "https://rollcall.example.com/invitation/s3cr3t"


@pytest.fixture
def contract_id(app: Flask) -> int:
    return make_contract(app, "acme")


@pytest.fixture
def ines(app: Flask, contract_id: int) -> Actor:
    return make_actor(app, contract_id, "administrator", email="ines@example.com")


def queue(app: Flask, contract_id: int | None, to: str = "ines@example.com", **more: object) -> int:
    text = f"Something happened.\n\n{LINK}\n<script>alert(1)</script>\n"
    words: dict[str, object] = {"subject": "A run <b>is</b> held", "text": text, "purpose": "incident"}
    with app.app_context(), write_transaction() as session:
        message = outbox.queue(session, to=to, contract_id=contract_id, **(words | more))  # type: ignore[arg-type]
        session.flush()
        return message.id


def in_demo(app: Flask) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], mode="demo", mail=None)


def deliver(app: Flask) -> None:
    with app.app_context():
        functions.deliver_mail()


def test_an_empty_outbox_says_when_there_will_be_something(ines: Actor) -> None:
    page = ines.get("/c/acme/outbox")
    assert page.status_code == 200
    assert "No email has been written yet" in page.text


def test_it_lists_mails_and_what_became_of_them(
    app: Flask, ines: Actor, contract_id: int, mailbox: Mailbox
) -> None:
    queue(app, contract_id, subject="The first")
    deliver(app)
    mailbox.answers["RCPT"] = "550 no such person"
    queue(app, contract_id, to="nobody@example.com", subject="The second")
    deliver(app)
    queue(app, contract_id, subject="The third")
    page = ines.get("/c/acme/outbox").text
    assert page.index("The third") < page.index("The second") < page.index("The first")
    assert "The mail server answered 550 no such person" in page
    failed = ines.get("/c/acme/outbox?state=failed").text
    assert "The second" in failed
    assert "The first" not in failed


def test_a_mail_is_shown_as_text_and_its_links_can_be_followed(
    app: Flask, ines: Actor, contract_id: int
) -> None:
    page = ines.get(f"/c/acme/outbox/{queue(app, contract_id)}").text
    assert "A run &lt;b&gt;is&lt;/b&gt; held" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert f'<a href="{LINK}"' in page


def test_a_personal_link_is_shown_to_nobody(app: Flask, ines: Actor, contract_id: int) -> None:
    number = queue(app, contract_id, purpose="invitation", secret=True)
    page = ines.get(f"/c/acme/outbox/{number}").text
    assert "s3cr3t" not in page
    assert "shown to nobody but its recipient" in page
    deliver(app)
    assert "The text of this email is not kept" in ines.get(f"/c/acme/outbox/{number}").text


def test_in_a_demo_every_mail_can_be_read(app: Flask, ines: Actor, contract_id: int) -> None:
    in_demo(app)
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(Account).values(email="Ines@EXAMPLE.com"))  # as a platform may write it
    mine = queue(app, contract_id, purpose="invitation", secret=True)
    reset = queue(app, None, subject="Set a new password", purpose="password_reset", secret=True)
    page = ines.get("/c/acme/outbox").text
    assert "no email leaves this machine" in page
    assert "Set a new password" in page
    for number in (mine, reset):
        assert f'<a href="{LINK}"' in ines.get(f"/c/acme/outbox/{number}").text


def test_mails_about_accounts_are_not_in_any_contracts_outbox(app: Flask, ines: Actor) -> None:
    number = queue(app, None, subject="Set a new password", purpose="password_reset", secret=True)
    assert "Set a new password" not in ines.get("/c/acme/outbox").text
    assert ines.get(f"/c/acme/outbox/{number}").status_code == 404


def test_another_contracts_mails_are_not_there(app: Flask, ines: Actor) -> None:
    number = queue(app, make_contract(app, "other"), subject="Of the other")
    for _ in range(2):
        assert "Of the other" not in ines.get("/c/acme/outbox").text
        assert ines.get(f"/c/acme/outbox/{number}").status_code == 404
        in_demo(app)


def test_it_says_when_no_mail_server_is_set_up(app: Flask, ines: Actor) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], mail=None)
    assert "No mail server is set up, so emails stay here" in ines.get("/c/acme/outbox").text


@pytest.mark.parametrize("number", ["0", "999999999999", "9223372036854775808", "99999999999999999999999"])
def test_a_mail_that_is_not_there_is_not_found(ines: Actor, number: str) -> None:
    assert ines.get(f"/c/acme/outbox/{number}").status_code == 404
