"""The account page: password, email, and where one is signed in."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.actors import PASSWORD, Actor, deactivate, make_actor, make_contract, make_support, sign_in
from tests.auth.form import attempt
from tests.auth.meanwhile import while_verifying
from tests.mails import everything_stored, mails
from tests.users.pages import Page, open_page
from webapp.accounts.profile import service
from webapp.accounts.profile.devices import device_of
from webapp.accounts.sign_in import throttle
from webapp.accounts.sign_in.passwords import hash_password
from webapp.core.database import write_transaction
from webapp.core.models import Account, AccountLink, AuditEvent, SignInSession, User, db, utcnow

NEW = "plain kettle rowing far"


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def change_password(who: Actor, current: str, password: str) -> Page:
    form = open_page(who, "/account").form("/account/password")
    return form.fill(current=current, password=password).send("Change password")


def change_email(who: Actor, email: str, current: str = PASSWORD) -> Page:
    form = open_page(who, "/account").form("/account/email")
    return form.fill(email=email, current=current).send("Change email")


def actions(app: Flask, like: str = "account.%") -> list[tuple[str, int | None]]:
    with app.app_context():
        rows = db.session.execute(
            sa.select(AuditEvent.action, AuditEvent.contract_id)
            .where(AuditEvent.action.like(like), AuditEvent.actor.not_like("command:%"))
            .order_by(AuditEvent.id)
        )
        return [(row.action, row.contract_id) for row in rows]


def emails(app: Flask) -> tuple[str | None, str | None]:
    """That of the account and that of its user."""
    with app.app_context():
        row = db.session.execute(
            sa.select(Account.email, User.email).join(User, User.account_id == Account.id).order_by(User.id)
        ).first()
    assert row is not None
    return row[0], row[1]


# ------------------------------------------------------------------ password
def test_a_new_password_ends_every_other_session(app: Flask, contract_id: int, ines: Actor) -> None:
    elsewhere = sign_in(app, ines.account_id, ines.email)

    page = change_password(ines, PASSWORD, NEW)

    assert "Your password is changed" in page.notices
    assert is_in(ines.client)
    assert not is_in(elsewhere.client)
    assert attempt(app.test_client(), PASSWORD).status_code == 401
    assert attempt(app.test_client(), NEW).status_code == 303
    (mail,) = mails(app)
    assert (mail.to, mail.subject) == (ines.email, "Rollcall: Your password was changed")
    assert ("account.password_changed", contract_id) in actions(app)


@pytest.mark.parametrize(
    ("current", "password", "says"),
    [
        ("", NEW, "Enter your current password."),
        ("not the password", NEW, "That is not your current password."),
        (PASSWORD, "", "Enter the new password."),
        (PASSWORD, "password123", "Use at least 12 characters."),
        (PASSWORD, "password1234", "lists of common ones"),
        (PASSWORD, "ContractAcme2026", "Leave “Contract acme” out"),
        (PASSWORD, "Rollcall2026!!", "Leave “Rollcall” out"),
        (PASSWORD, "ines@example.com", "Leave “ines@example.com” out"),
    ],
)
def test_without_the_current_password_or_with_a_weak_one_nothing_changes(
    app: Flask, ines: Actor, current: str, password: str, says: str
) -> None:
    elsewhere = sign_in(app, ines.account_id, ines.email)
    page = change_password(ines, current, password)
    assert page.response.status_code == 422
    assert says in page.root.one(class_="notice-error").text
    assert current not in page.response.text or not current
    assert is_in(elsewhere.client)
    assert attempt(app.test_client(), PASSWORD).status_code == 303
    assert mails(app) == []
    assert (("account.proof_failed", 1) in actions(app)) == (current == "not the password")


def test_guessing_the_current_password_is_slowed_down(ines: Actor) -> None:
    answers = [change_password(ines, f"wrong {number}", NEW).response for number in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Too many tries. Wait 1 minute" in answers[-1].text


def test_who_is_not_signed_in_cannot_keep_the_owner_from_a_new_password(app: Flask, ines: Actor) -> None:
    answers = [attempt(app.test_client(), f"wrong {number}").status_code for number in range(6)]
    assert answers[-1] == 429
    with app.app_context(), write_transaction() as session:
        for number in range(100):
            throttle.admit(session, ines.email, f"203.0.113.{number}", utcnow())
    assert "Your password is changed" in change_password(ines, PASSWORD, NEW).notices


def test_a_password_that_is_changed_elsewhere_meanwhile_changes_nothing_here(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has taken over a session and is found out does not take the account by being quick."""
    thief = sign_in(app, ines.account_id, ines.email)

    def found_out() -> None:
        with write_transaction() as session:
            account = session.get_one(Account, ines.account_id)
            service.put_password(session, account, hash_password(NEW), app.extensions["settings"])

    for act in (change_password, change_email):
        with app.app_context(), write_transaction() as session:
            session.get_one(Account, ines.account_id).password_hash = hash_password(PASSWORD)
        thief = sign_in(app, ines.account_id, ines.email)
        while_verifying(app, monkeypatch, found_out)
        refused = (
            act(thief, PASSWORD, "another kettle far rowing")
            if act is change_password
            else change_email(thief, "thief@example.com")
        )
        assert refused.response.status_code in (302, 422)
        assert not is_in(thief.client)
        assert attempt(app.test_client(), NEW).status_code == 303
    with app.app_context():
        assert db.session.scalars(sa.select(AccountLink)).all() == []


# ------------------------------------------------------------------ name
def test_the_name_is_the_owners_to_change(app: Flask, contract_id: int, ines: Actor) -> None:
    page = open_page(ines, "/account?of=acme")
    before = page.form("/account/name").values["name"][0]
    done = page.form("/account/name").fill(name="  Inês  Duarte ").send("Change name")
    assert "Your name is Inês Duarte from now on." in done.notices
    assert done.root.one(class_="signed-in").all("b")[0].text == "Inês Duarte"
    with app.app_context():
        assert db.session.scalars(sa.select(User.name)).one() == before  # that of the contract
        (row,) = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "account.renamed"))
    assert (row.contract_id, row.actor, row.actor_id) == (contract_id, before, ines.account_id)
    assert row.details == {"name": {"before": before, "after": "Inês Duarte"}}
    again = done.form("/account/name").send("Change name")
    assert "That is your name already." in again.notices
    for name in ("", "   ", "x" * 256, "In\u0007es"):
        refused = again.form("/account/name").fill(name=name).send("Change name")
        assert refused.response.status_code == 422, name
        assert refused.root.one("section", id="your-name").all(class_="field-error")
    assert len(actions(app, "account.renamed")) == 1


# ------------------------------------------------------------------ email
def test_a_new_email_is_confirmed_by_its_owner(app: Flask, contract_id: int, ines: Actor) -> None:
    make_actor(app, make_contract(app, "bolt"), "agent", email=ines.email)
    page = change_email(ines, " Ines.New@example.com ")
    assert "We sent a link to Ines.New@example.com." in page.notices
    link, notice = mails(app)
    assert (link.to, notice.to) == ("Ines.New@example.com", ines.email)
    assert "as Ines.New@example.com instead of ines@example.com" in notice.text
    assert link.token not in notice.text
    assert link.token not in everything_stored(app)
    assert emails(app) == (ines.email, ines.email)

    opened = open_page(ines, link.link)
    assert emails(app) == (ines.email, ines.email)  # a program that reads mail changes nothing
    done = opened.form("/account/email/confirm").send("Use Ines.New@example.com")

    assert "You sign in as Ines.New@example.com from now on." in done.notices
    assert emails(app) == ("Ines.New@example.com", ines.email)  # in no contract
    assert attempt(app.test_client(), PASSWORD, email="ines.new@example.com").status_code == 303
    assert attempt(app.test_client(), PASSWORD).status_code == 401
    assert mails(app, to=ines.email)[-1].subject == "Rollcall: Your email was changed"
    assert open_page(ines, link.link).response.status_code == 410
    assert {contract for action, contract in actions(app, "account.email_changed")} == {contract_id, 2}


@pytest.mark.parametrize(
    ("email", "current", "says"),
    [
        ("ines.new@example.com", "not the password", "That is not your current password."),
        ("ines.new@example.com", "", "Enter your current password."),
        ("not an address", PASSWORD, "is not an email address"),
        ("a@example.com\r\nBcc: b@example.com", PASSWORD, "is not an email address"),
        ("INES@example.com", PASSWORD, "That is your email already."),
    ],
)
def test_an_email_that_cannot_be_is_refused(
    app: Flask, ines: Actor, email: str, current: str, says: str
) -> None:
    page = change_email(ines, email, current)
    assert page.response.status_code == 422
    assert says in page.root.one(class_="notice-error").text
    assert mails(app) == []


def test_the_link_is_for_the_account_that_asked(app: Flask, contract_id: int, ines: Actor) -> None:
    """Who mistyped their new email has given a stranger the link, and nothing more."""
    change_email(ines, "stranger@example.com")
    link = mails(app, to="stranger@example.com")[0].link
    other = make_actor(app, contract_id, "agent")
    assert open_page(other, link).response.status_code == 410
    assert other.post("/account/email/confirm").status_code == 410
    assert emails(app)[0] == ines.email


def test_who_is_not_signed_in_signs_in_first_and_the_token_is_in_no_address(app: Flask, ines: Actor) -> None:
    change_email(ines, "ines.new@example.com")
    mail = mails(app)[0]
    client = app.test_client()
    clean = client.get(mail.link)
    assert (clean.status_code, clean.location) == (302, "/account/email/confirm")
    asked = client.get(clean.location)
    assert asked.location == "/sign-in?next=/account/email/confirm"
    assert mail.token not in client.get(asked.location).text
    back = attempt(client, PASSWORD, next="/account/email/confirm")
    page = open_page(Actor(client, ines.account_id, ines.email), back.location)
    done = page.form("/account/email/confirm").send("Use ines.new@example.com")
    assert "You sign in as ines.new@example.com from now on." in done.notices


def test_an_email_with_an_account_is_not_told_and_not_taken(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    other = make_actor(app, contract_id, "agent", email="other@example.com")
    free = change_email(ines, "free@example.com")
    taken = change_email(ines, "ｏther@example.com")  # the same to whoever compares emails
    assert taken.notices == free.notices.replace("free@", "ｏther@")
    (told,) = mails(app, to=other.email)
    assert "token=" not in told.text
    assert "nothing was changed" in told.text


def test_an_email_that_was_taken_meanwhile_is_refused(app: Flask, contract_id: int, ines: Actor) -> None:
    change_email(ines, "late@example.com")
    make_actor(app, contract_id, "agent", email="late@example.com")
    page = open_page(ines, mails(app)[0].link).form("/account/email/confirm").send("Use")
    assert "Another account has this email by now" in page.notices
    assert emails(app)[0] == ines.email


def test_a_new_password_voids_a_link_to_another_email(app: Flask, ines: Actor) -> None:
    """So that who notices the notice can stop it."""
    change_email(ines, "thief@example.com")
    change_password(ines, PASSWORD, NEW)
    assert open_page(ines, mails(app)[0].link).response.status_code == 410


def test_the_link_lives_for_a_day(app: Flask, ines: Actor) -> None:
    change_email(ines, "ines.new@example.com")
    link = mails(app)[0].link
    for left, status in ((timedelta(minutes=1), 200), (timedelta(0), 410)):
        with app.app_context(), write_transaction() as session:
            session.execute(sa.update(AccountLink).values(expires_at=utcnow() + left))
        assert open_page(ines, link).response.status_code == status


# ------------------------------------------------------------------ sessions
def test_sessions_are_listed_and_ended_one_by_one_or_together(app: Flask, ines: Actor) -> None:
    second, third, fourth = (sign_in(app, ines.account_id, ines.email) for _ in range(3))
    with app.app_context(), write_transaction() as session:
        ids = list(session.scalars(sa.select(SignInSession.id).order_by(SignInSession.id)))
        session.execute(
            sa.update(SignInSession)
            .where(SignInSession.id == ids[1])
            .values(
                user_agent="Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
                address="192.0.2.7",
            )
        )
    page = open_page(ines, "/account")
    listed = page.root.one("section", id="your-sessions").text
    assert "Firefox on Windows From 192.0.2.7, signed in" in listed
    assert listed.count("This one") == 1
    assert page.root.one("main").text.count("last used") == 4

    page.form(f"/sessions/{ids[1]}/end").send("Sign out")
    assert [is_in(one.client) for one in (ines, second, third, fourth)] == [True, False, True, True]

    done = open_page(ines, "/account").form("/sessions/end-others").send("Sign out elsewhere")
    assert "2 other browsers are signed out." in done.notices
    assert [is_in(one.client) for one in (ines, second, third, fourth)] == [True, False, False, False]
    assert "Sign out elsewhere" not in done.text
    assert len(actions(app, "account.sessions_ended")) == 2


def test_nobody_ends_the_session_of_somebody_else(app: Flask, contract_id: int, ines: Actor) -> None:
    other = make_actor(app, contract_id, "agent")
    with app.app_context():
        theirs = db.session.scalar(
            sa.select(SignInSession.id).where(SignInSession.account_id == other.account_id)
        )
    for number in (theirs, 10**12, 10**30):
        assert ines.post(f"/account/sessions/{number}/end").status_code == 404
    assert is_in(other.client)


def test_a_deactivated_user_is_signed_out_unless_another_contract_has_them(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    """By the page of the product, not only by the check of each request."""
    bolt = make_contract(app, "bolt")
    only, both = (make_actor(app, contract_id, "agent", email=f"{name}@example.com") for name in ("o", "b"))
    make_actor(app, bolt, "agent", email=both.email)
    helper = make_support(app, "helper@example.com")
    with app.app_context(), write_transaction() as session:
        user_ids = session.scalars(
            sa.select(User.id).where(
                User.contract_id == contract_id, User.account_id.in_([only.account_id, both.account_id])
            )
        ).all()
    for user in user_ids:
        page = open_page(ines, f"/c/acme/users/deactivate?status=active&ids={user}")
        page.form("/deactivate/confirm").fill(confirm="y").send("Deactivate")
    assert not is_in(only.client)
    assert is_in(both.client)
    assert both.get("/c/acme/").status_code == 404
    assert both.get("/c/bolt/").status_code == 200
    assert is_in(helper.client)


# ------------------------------------------------------------------ the way in
def test_the_side_bar_leads_there_and_keeps_the_contract(app: Flask, contract_id: int, ines: Actor) -> None:
    make_actor(app, make_contract(app, "zebra"), "agent", email=ines.email)
    for slug in ("acme", "zebra"):
        page = open_page(ines, f"/c/{slug}/")
        (way,) = [link for link in page.root.all("a") if "Your account" in link.text]
        account = open_page(ines, way.attrs["href"])
        assert f"Contract {slug}" in account.root.one(class_="frame-side").all("b")[0].text
    assert open_page(ines, "/account?of=nothing").response.status_code == 200


def test_who_is_in_no_contract_has_an_account_all_the_same(app: Flask, contract_id: int, ines: Actor) -> None:
    deactivate(app, contract_id, ines.account_id)
    assert "You sign in as ines@example.com." in open_page(ines, "/account").text


MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
DEVICES = {
    f"{MOZILLA} (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
    f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.0 Safari/605.1.15": "Safari on macOS",
    f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} Chrome/140.0 Safari/537.36": "Chrome on Linux",
    f"{MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) {WEBKIT} CriOS/140.0 Safari/604.1": "Chrome on iPhone",
    f"{MOZILLA} (Linux; Android 15) {WEBKIT} SamsungBrowser/28 Chrome/130 Safari/537.36": (
        "Samsung Internet on Android"
    ),
    f"{MOZILLA} (Windows NT 10.0)": "A browser on Windows",
    "curl/8.5.0": "An unknown browser",
    "": "An unknown browser",
}


def test_a_browser_is_named_in_words() -> None:
    assert {user_agent: device_of(user_agent) for user_agent in DEVICES} == DEVICES
