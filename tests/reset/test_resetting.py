"""A forgotten password: what is said, what is mailed, and what the link does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.actors import PASSWORD, Actor, csrf_of, make_actor, sign_in
from tests.auth.form import attempt
from tests.invitations.guests import Visitor
from tests.mails import Mail, everything_stored, mails
from tests.users.pages import open_page
from webapp.core.database import write_transaction
from webapp.core.models import Account, AccountLink, AuditEvent, db, utcnow

NEW = "plain kettle rowing far"


def ask(client: FlaskClient, email: str, **options: object) -> TestResponse:
    token = csrf_of(client.get("/forgot-password"))
    return client.post("/forgot-password", data={"csrf_token": token, "email": email}, **options)  # type: ignore[arg-type]


def asked(app: Flask, email: str = "ines@example.com") -> Mail:
    assert ask(app.test_client(), email).status_code == 200
    return mails(app, purpose="password_reset")[-1]


def visitor(app: Flask) -> Visitor:
    return Visitor(app.test_client(), 0, "")


def test_the_answer_does_not_tell_whether_there_is_an_account(app: Flask, ines: Actor) -> None:
    known = ask(app.test_client(), ines.email)
    unknown = ask(app.test_client(), "nobody@example.org")

    def normal(answer: TestResponse) -> str:
        text = answer.text.replace("nobody@example.org", ines.email).replace(csrf_of(answer), "")
        return text.split("data-now")[0] + text.split("<body>")[1]

    assert known.status_code == unknown.status_code == 200
    assert normal(known) == normal(unknown)
    assert [mail.to for mail in mails(app)] == [ines.email]


def test_who_has_no_account_costs_as_many_writes(app: Flask, ines: Actor) -> None:
    """But for the row of the link itself: a mail is written and sealed, and taken back."""

    def writes(email: str) -> list[str]:
        sent: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            if statement.startswith(("INSERT", "UPDATE")) and "throttles" not in statement:
                sent.append(" ".join(statement.split()[:3]))

        with app.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            ask(app.test_client(), email)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return sent

    known, unknown = writes(ines.email), writes("nobody@example.org")
    known.remove("INSERT INTO account_links")
    assert sorted(known) == sorted(unknown)


def test_the_link_sets_a_password_once_and_signs_nobody_in(app: Flask, contract_id: int, ines: Actor) -> None:
    mail = asked(app)
    assert mail.subject == "Rollcall: Set a new password"
    assert mail.token not in everything_stored(app)
    assert ines.get("/account").status_code == 200
    assert attempt(app.test_client(), PASSWORD).status_code == 303  # nothing has changed yet
    other = sign_in(app, ines.account_id, ines.email)
    who = visitor(app)
    first = who.get(mail.link)
    assert (first.status_code, first.location) == (302, "/reset-password")
    page = open_page(who, "/reset-password")
    assert mail.token not in page.response.text

    done = page.form("/reset-password").fill(password=NEW).send("Set the password")

    assert done.root.one("h1").text == "Sign in"
    assert "Your new password is set." in done.notices
    assert [one.get("/account").status_code for one in (ines, other, who)] == [302, 302, 302]
    assert attempt(app.test_client(), PASSWORD).status_code == 401
    assert attempt(app.test_client(), NEW).status_code == 303
    assert mails(app)[-1].subject == "Rollcall: Your password was changed"
    with app.app_context():
        rows = db.session.execute(
            sa.select(AuditEvent.action, AuditEvent.contract_id)
            .where(AuditEvent.action.in_(["account.reset_asked", "account.password_reset"]))
            .order_by(AuditEvent.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("account.reset_asked", contract_id),
        ("account.password_reset", contract_id),
    ]
    again = open_page(visitor(app), mail.link)
    assert again.response.status_code == 410
    assert who.post("/reset-password", {"password": f"{NEW} 2"}).status_code == 410
    assert attempt(app.test_client(), NEW).status_code == 303


@pytest.mark.parametrize("weak", ["password123", "password1234", "ContractAcme2026", "ines@example.com", ""])
def test_a_weak_password_is_refused_and_the_link_still_works(app: Flask, ines: Actor, weak: str) -> None:
    page = open_page(visitor(app), asked(app).link)
    refused = page.form("/reset-password").fill(password=weak).send("Set")
    assert refused.response.status_code == 422
    assert refused.root.all(class_="field-error")
    assert refused.form("/reset-password").fill(password=NEW).send("Set").response.status_code == 200


def test_a_link_lives_for_an_hour_and_all_end_with_the_first_that_is_used(app: Flask, ines: Actor) -> None:
    first, second = asked(app), asked(app)
    for left, status in ((timedelta(minutes=1), 200), (timedelta(0), 410)):
        with app.app_context(), write_transaction() as session:
            session.execute(sa.update(AccountLink).values(expires_at=utcnow() + left))
        assert open_page(visitor(app), first.link).response.status_code == status
    third = asked(app)
    page = open_page(visitor(app), third.link)
    page.form("/reset-password").fill(password=NEW).send("Set")
    assert open_page(visitor(app), second.link).response.status_code == 410


def test_another_account_of_this_browser_is_signed_out_for_good(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    other = make_actor(app, contract_id, "agent")
    copied = app.test_client()
    cookie = other.client.get_cookie("rollcall-8000")
    assert cookie is not None
    copied.set_cookie("rollcall-8000", cookie.value)
    page = open_page(other, asked(app).link)
    page.form("/reset-password").fill(password=NEW).send("Set the password")
    assert [one.get("/account").status_code for one in (other, copied)] == [302, 302]


def test_a_closed_account_gets_no_mail_and_its_link_is_dead(app: Flask, ines: Actor) -> None:
    mail = asked(app)
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(Account).values(disabled_at=utcnow()))
    assert ask(app.test_client(), ines.email).status_code == 200
    assert len(mails(app)) == 1
    assert open_page(visitor(app), mail.link).response.status_code == 410


@pytest.mark.parametrize("email", ["ines@example.com", "nobody@example.org"])
def test_asking_again_and_again_is_throttled_alike(app: Flask, ines: Actor, email: str) -> None:
    answers = [
        ask(app.test_client(), email, headers={"X-Forwarded-For": f"1.2.3.{number}"}) for number in range(5)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 200
    assert len(mails(app)) == (3 if email == ines.email else 0)
    assert attempt(app.test_client(), PASSWORD).status_code == 303  # signing in has counters of its own


def test_a_link_leads_to_the_configured_host_alone(app: Flask, ines: Actor) -> None:
    ask(app.test_client(), ines.email, headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in mails(app)[0].text
    assert app.test_client().post("/forgot-password", headers={"Host": "evil.example"}).status_code == 400


def test_the_sign_in_page_leads_there(app: Flask) -> None:
    page = open_page(visitor(app), "/sign-in")
    (way,) = [link for link in page.root.all("a") if link.text == "Forgot your password?"]
    assert open_page(visitor(app), way.attrs["href"]).root.one("h1").text == "Forgot your password?"
