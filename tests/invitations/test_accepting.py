"""Accepting an invitation, and every reason for which its link opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import PASSWORD as OLD_PASSWORD
from tests.actors import make_actor, make_contract
from tests.invitations.guests import EMAIL, PASSWORD, Guests
from tests.mails import mails
from tests.users.pages import open_page
from webapp.core.database import write_transaction
from webapp.core.models import Account, AuditEvent, Invitation, RolePermission, User, UserRole, db, utcnow


def password_hash(app: Flask, email: str) -> str | None:
    with app.app_context():
        return db.session.scalar(sa.select(Account.password_hash).where(Account.email == email))


def test_who_has_no_account_chooses_a_password_and_is_in(app: Flask, guests: Guests) -> None:
    user, mail = guests.invited("team_leader")
    guest = guests.anyone()
    first = guest.get(mail.link)
    assert (first.status_code, first.location) == (302, "/invitation")  # nothing of it stays in the address
    assert first.headers["Cache-Control"] == "no-store"
    page = open_page(guest, "/invitation")
    assert "You are invited to Contract acme" in page.text
    assert mail.token not in page.response.text
    for weak in ("password123", "ContractAcme2026", f"{EMAIL}1", "Rollcall2026!!"):
        refused = page.form("/invitation").fill(new_password=weak).send("Accept")
        assert refused.response.status_code == 422, weak
        assert refused.root.all(class_="field-error"), weak
    assert guests.account_of(user) is None

    done = page.form("/invitation").fill(new_password=PASSWORD).send("Accept")

    assert "Welcome to Contract acme." in done.notices
    with guest.client.session_transaction() as cookie:
        assert mail.token not in str(dict(cookie))
    assert guest.get("/c/acme/users").status_code == 403  # a team leader is no more than that
    assert guests.account_of(user) is not None
    panel = guests.page(user).root.one("section", id="invitation").text
    assert "Accepted" in panel
    assert "Send again" not in panel
    assert f"As {EMAIL}" in guests.page(user).text
    assert "Accepted the invitation Account" in guests.page(user).root.one("section", id="history").text
    (row,) = guests.world.audit("invitation.accepted")
    assert (row.actor, row.target, row.details) == ("Anna Kim", "Anna Kim", {"account": EMAIL})


def test_it_works_once(app: Flask, guests: Guests) -> None:
    user, mail = guests.invited()
    guests.accept(mail)
    account, stored = guests.account_of(user), password_hash(app, EMAIL)
    again = open_page(guests.anyone(), mail.link)
    assert again.response.status_code == 410
    assert "It was accepted already" in again.text
    assert (
        guests.anyone().post("/invitation", {"new_password": "another kettle far rowing"}).status_code == 410
    )
    assert (guests.account_of(user), password_hash(app, EMAIL)) == (account, stored)


def test_an_account_from_elsewhere_signs_in_and_keeps_its_password(app: Flask, guests: Guests) -> None:
    elsewhere = make_actor(app, make_contract(app, "bolt"), "agent", email=EMAIL)
    before = password_hash(app, EMAIL)
    user, mail = guests.invited()
    guest = guests.anyone()
    page = open_page(guest, mail.link)
    assert "It keeps its password." in page.text
    assert "new_password" not in page.form("/invitation").values
    assert guest.post("/invitation", {"new_password": PASSWORD}).status_code == 422
    assert (
        guest.post("/invitation", {"password": "not the password", "new_password": PASSWORD}).status_code
        == 401
    )
    assert guests.account_of(user) is None

    done = guests.accept(mail, OLD_PASSWORD, guest)

    assert "Welcome to Contract acme." in done.notices
    assert guests.account_of(user) == elsewhere.account_id
    assert password_hash(app, EMAIL) == before
    assert elsewhere.get("/").status_code == 302  # its other sessions stay
    assert guest.get("/c/bolt/").status_code == 200


def test_guessing_the_password_of_that_account_is_slowed_down(app: Flask, guests: Guests) -> None:
    make_actor(app, make_contract(app, "bolt"), "agent", email=EMAIL)
    user, mail = guests.invited()
    guest = guests.anyone()
    guest.get(mail.link)
    answers = [guest.post("/invitation", {"password": f"wrong {number}"}).status_code for number in range(6)]
    assert answers == [401, 401, 401, 401, 401, 429]
    assert guests.account_of(user) is None


def test_who_is_signed_in_accepts_with_one_button(app: Flask, guests: Guests) -> None:
    guest = make_actor(app, make_contract(app, "bolt"), "agent", email=EMAIL)
    user, mail = guests.invited()
    page = open_page(guest, mail.link)
    assert f"You are signed in as {EMAIL}." in page.text
    done = page.form("/invitation").send("Accept")
    assert "Welcome to Contract acme." in done.notices
    assert guests.account_of(user) == guest.account_id


def test_another_account_is_refused_and_told_how_to_go_on(guests: Guests) -> None:
    user, mail = guests.invited()
    page = open_page(guests.manager, mail.link)
    assert "You are signed in as mona@example.com" in page.text
    assert f"This invitation is for {EMAIL}." in page.text
    answer = guests.manager.post("/invitation", {"new_password": PASSWORD, "password": OLD_PASSWORD})
    assert answer.status_code == 409
    assert guests.account_of(user) is None

    page = page.form("/invitation/sign-out").send("Sign out")

    assert guests.manager.get("/c/acme/users").status_code == 302
    done = page.form("/invitation").fill(new_password=PASSWORD).send("Accept")
    assert "Welcome to Contract acme." in done.notices


Change = Callable[[Guests, int], object]


def _inviter(guests: Guests) -> int:
    return guests.world.user_of(guests.manager.account_id)


def _update_user(**values: object) -> Change:
    return lambda guests, user: guests.world.change(sa.update(User).where(User.id == user).values(**values))


def _deactivate(guests: Guests, user: int) -> None:
    page = open_page(guests.manager, f"{guests.world.url}/deactivate?status=active&ids={user}")
    page.form("/deactivate/confirm").fill(confirm="y").send("Deactivate")


def _reactivate(guests: Guests, user: int) -> None:
    _deactivate(guests, user)
    page = open_page(guests.manager, f"{guests.world.url}/activate?status=inactive&ids={user}")
    page.form("/activate/confirm").fill(team=guests.world.teams["Billing"], confirm="y").send("Reactivate")


def _account(guests: Guests, **values: object) -> int:
    with guests.app.app_context(), write_transaction() as session:
        account = Account(email=EMAIL, email_key=EMAIL, name="Anna", password_hash=None, **values)
        session.add(account)
        session.flush()
        return account.id


def _twin(guests: Guests, _: int) -> None:
    (twin,) = guests.world.add("Twin of Anna", status="active")
    _update_user(account_id=_account(guests))(guests, twin)


GONE: dict[str, tuple[Change, str]] = {
    "expired": (
        lambda guests, _: guests.world.change(sa.update(Invitation).values(expires_at=utcnow())),
        "It has expired",
    ),
    "deactivated": (_deactivate, "You are not active there"),
    "deactivated and active again": (_reactivate, "only since after it was sent"),
    "an account by another way": (
        lambda guests, user: _update_user(account_id=_account(guests))(guests, user),
        "You can sign in there already",
    ),
    "another email": (
        _update_user(email="anna@acme.example", email_key="anna@acme.example"),
        "Your email there is another one by now",
    ),
    "the inviter is inactive": (
        lambda guests, _: guests.world.set_status([_inviter(guests)], "inactive"),
        "Who sent it may not invite you",
    ),
    "the inviter has no role": (
        lambda guests, _: guests.world.change(
            sa.delete(UserRole).where(UserRole.user_id == _inviter(guests))
        ),
        "Who sent it may not invite you",
    ),
    "the role permits more than the inviter": (
        lambda guests, user: guests.world.give([user], role="administrator"),
        "Who sent it may not invite you",
    ),
    "the account is closed": (
        lambda guests, _: _account(guests, disabled_at=utcnow()),
        "The account with this email is closed",
    ),
    "the account is another user's": (_twin, "Your account belongs to another user there already"),
}


@pytest.mark.parametrize("why", GONE)
def test_a_link_opens_nothing_once_something_has_changed(guests: Guests, why: str) -> None:
    """The form was open before, so that it is the sending that is refused."""
    change, says = GONE[why]
    user, mail = guests.invited()
    guest = guests.anyone()
    assert guest.get(mail.link).status_code == 302
    assert guest.get("/invitation").status_code == 200
    change(guests, user)
    before = guests.account_of(user)

    answer = guest.post("/invitation", {"new_password": PASSWORD, "password": PASSWORD})

    assert answer.status_code == 410
    assert says in answer.text
    assert guest.get("/").location.startswith("/sign-in")
    assert guests.account_of(user) == before


def test_the_page_of_the_user_says_that_the_link_is_void(guests: Guests) -> None:
    user, _ = guests.invited()
    guests.world.change(
        sa.delete(RolePermission).where(RolePermission.role_id == guests.world.roles["manager"])
    )
    administrator = make_actor(guests.app, guests.world.contract_id, "administrator")
    page = open_page(administrator, f"{guests.world.url}/{user}")
    assert "Its link does not work" in page.root.one("section", id="invitation").text


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "☃", "'; drop table users"])
def test_an_unknown_link_opens_nothing(guests: Guests, token: str) -> None:
    page = open_page(guests.anyone(), f"/invitation?token={token}")
    assert page.response.status_code == 410
    assert "a newer one was sent" in page.text


def test_a_link_works_for_nothing_but_its_purpose(app: Flask, guests: Guests) -> None:
    _, invitation = guests.invited()
    guests.anyone().post("/forgot-password", {"email": "mona@example.com"})
    (reset,) = mails(app, to="mona@example.com")
    for path, token in (("/reset-password", invitation.token), ("/invitation", reset.token)):
        assert open_page(guests.anyone(), f"{path}?token={token}").response.status_code == 410
    assert open_page(guests.manager, f"/account/email/link?token={reset.token}").response.status_code == 410


def test_the_token_is_in_no_log(guests: Guests, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    _, mail = guests.invited()
    guests.accept(mail)
    open_page(guests.anyone(), mail.link)
    assert mail.token not in caplog.text
    assert mail.token not in mail.link.partition("?")[0]  # a path is in the log of requests, a query is not


def test_a_new_account_is_in_the_audit_log_of_the_account_and_of_the_contract(guests: Guests) -> None:
    _, mail = guests.invited()
    guests.accept(mail)
    with guests.app.app_context():
        rows = db.session.execute(
            sa.select(AuditEvent.action, AuditEvent.contract_id)
            .where(AuditEvent.actor == "Anna Kim")
            .order_by(AuditEvent.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("account.created", None),
        ("invitation.accepted", guests.world.contract_id),
        ("account.signed_in", guests.world.contract_id),
    ]


def test_the_link_of_a_host_that_was_made_up_is_never_mailed(guests: Guests) -> None:
    user = guests.anna()
    answer = guests.manager.post(
        f"{guests.world.url}/{user}/invitation", headers={"X-Forwarded-Host": "evil.example"}
    )
    assert answer.status_code == 302
    assert "evil.example" not in guests.mail().text
    assert guests.manager.client.post("/forgot-password", headers={"Host": "evil.example"}).status_code == 400


def test_an_invitation_lives_for_seven_days(guests: Guests) -> None:
    user, mail = guests.invited()
    for left, status in ((timedelta(minutes=1), 200), (timedelta(0), 410)):
        guests.world.change(sa.update(Invitation).values(expires_at=utcnow() + left))
        assert open_page(guests.anyone(), mail.link).response.status_code == status
    assert guests.outcomes(user) == [None]
