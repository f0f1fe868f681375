"""Sending invitations: while activating, and later from a user's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.invitations.guests import EMAIL, Guests
from tests.mails import everything_stored, mails
from tests.users.pages import Page, open_page
from tests.users.world import World, make_world, statements
from webapp.core.models import Contract, Invitation, User, utcnow
from webapp.notifications.mail import outbox


def activate(world: World, by: Actor, people: list[int], **fields: object) -> Page:
    page = open_page(by, f"{world.url}/activate?status=pending&ids={'&ids='.join(map(str, people))}")
    form = page.form("/activate/confirm")
    return form.fill(team=world.teams["Billing"], confirm="y", **fields).send("Activate")


def test_activating_invites_those_who_cannot_sign_in_when_asked_to(
    world: World, manager: Actor, app: Flask
) -> None:
    bo, anna = world.add("Bo Lund", "Anna Kim")  # the log names them as the list does
    people = [anna, bo, *world.add("Cy Doe", email=False)]
    bystander = world.add("Still Pending")
    page = open_page(manager, f"{world.url}/activate?status=pending&ids={'&ids='.join(map(str, people))}")
    assert "For 2 of them" in page.text
    assert "invite" not in page.form("/activate/confirm").values

    done = activate(world, manager, people, invite="y")

    assert "2 invitations are on their way." in done.notices
    sent = mails(app)
    assert {mail.to for mail in sent} == {EMAIL, "bo.lund@acme.example"}
    assert {mail.purpose for mail in sent} == {"invitation"}
    sent.sort(key=lambda mail: mail.to != EMAIL)
    assert sent[0].subject == "Contract acme: You are invited"
    for words in ("Hello Anna Kim,", "invites you to Contract acme", "works once, for 7 days"):
        assert words in sent[0].text
    assert sent[0].token != sent[1].token
    assert len(sent[0].token) >= 43  # 256 bits
    stored = everything_stored(app)
    assert not any(mail.token in stored for mail in sent)
    (row,) = world.audit("invitation.sent")
    assert row.target == "2 users"
    assert row.details is not None
    assert row.details["users"] == ["Anna Kim", "Bo Lund"]
    assert world.statuses(bystander) == ["pending"]


def test_A1_inviting_forty_takes_no_more_statements_than_three_and_checks_each_address_once(
    world: World, manager: Actor, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set_licences(100)
    checked: list[str] = []
    check = outbox.validate_email

    def counted(email: str, **rest: bool) -> object:
        checked.append(email)
        return check(email, **rest)

    monkeypatch.setattr(outbox, "validate_email", counted)
    outbox._address.cache_clear()
    sent = []
    for count, group in ((3, "Few"), (40, "Many")):
        people = [world.add(f"{group} {number}")[0] for number in range(count)]
        with statements(app) as said:
            activate(world, manager, people, invite="y")
        sent.append(len(said))
    assert sent[1] <= sent[0]
    assert len(mails(app)) == len(set(checked)) == len(checked) == 43


def test_activating_alone_mails_nobody(world: World, manager: Actor, app: Flask) -> None:
    done = activate(world, manager, world.add("Anna Kim"))
    assert "Anna Kim is active now" in done.notices
    assert "invitation" not in done.notices
    assert mails(app) == []


def test_a_refused_activation_mails_nobody(world: World, manager: Actor, app: Flask) -> None:
    world.set_licences(1)
    activate(world, manager, world.add("Anna Kim", "Bo Lund"), invite="y")
    assert mails(app) == []


@pytest.mark.parametrize("status", ["pending", "inactive"])
def test_nobody_but_active_users_is_ever_mailed(
    world: World, manager: Actor, app: Flask, status: str
) -> None:
    (user,) = world.add("Anna Kim", status=status)
    assert "Send an invitation" not in open_page(manager, f"{world.url}/{user}").text
    answer = manager.post(f"{world.url}/{user}/invitation")
    assert "once they are active" in manager.get(answer.location).text
    assert mails(app) == []


def test_the_page_says_how_the_invitation_stands(guests: Guests) -> None:
    user = guests.anna()
    assert "Not invited yet." in guests.page(user).text
    page = guests.send(user)
    panel = page.root.one("section", id="invitation").text
    assert "An invitation is on its way. No mail server is set up, so it waits in the outbox" in page.notices
    for words in ("Invited", f"To{EMAIL}", "Works until", "Send again", "Revoke"):
        assert words in panel
    guests.world.change(sa.update(Invitation).values(expires_at=Invitation.created_at))
    assert "Expired" in guests.page(user).root.one("section", id="invitation").text
    assert "Revoke" not in guests.page(user).root.one("section", id="invitation").text


def test_it_can_be_revoked(guests: Guests) -> None:
    user, mail = guests.invited()
    page = guests.page(user).form("/invitation/revoke").send("Revoke")
    assert "its link does not work any more" in page.notices
    assert "Revoked by" in page.root.one("section", id="invitation").text
    assert guests.anyone().get(mail.link).status_code == 302
    refused = open_page(guests.anyone(), mail.link)
    assert refused.response.status_code == 410
    assert "It was taken back." in refused.text
    assert [row.target for row in guests.world.audit("invitation.revoked")] == ["Anna Kim"]


def test_sending_again_voids_the_link_before(guests: Guests) -> None:
    user, first = guests.invited()
    assert "less than a minute ago" in guests.send(user).notices  # not twice in a moment
    guests.world.change(sa.update(Invitation).values(created_at=utcnow() - timedelta(hours=1)))
    guests.send(user)
    second = guests.mail()
    assert second.token != first.token
    assert guests.outcomes(user) == ["replaced", None]
    assert "A newer one was sent since." in open_page(guests.anyone(), first.link).text
    assert guests.accept(second).response.status_code == 200
    assert len(guests.world.audit("invitation.sent_again")) == 1


def test_at_most_five_are_sent_to_one_user_in_a_day(guests: Guests) -> None:
    user = guests.anna()
    for sent in range(1, 6):
        assert "on its way" in guests.send(user).notices, sent
        guests.world.change(sa.update(Invitation).values(created_at=utcnow() - timedelta(hours=2)))
    assert "5 times in a day" in guests.send(user).notices
    assert len(mails(guests.app)) == 5


def test_nobody_invites_somebody_who_may_do_more_than_they(app: Flask, guests: Guests) -> None:
    """Else a manager could send the link of an administrator to an address of their own."""
    user = guests.anna("administrator")
    page = guests.page(user)
    assert "They may do more than you" in page.text
    answer = guests.manager.post(f"{guests.world.url}/{user}/invitation")
    assert "They may do more than you" in guests.manager.get(answer.location).text
    assert mails(app) == []
    administrator = make_actor(app, guests.world.contract_id, "administrator")
    assert "on its way" in guests.send(user, by=administrator).notices

    assert "Revoke" not in guests.page(user).root.one("section", id="invitation").text
    answer = guests.manager.post(f"{guests.world.url}/{user}/invitation/revoke")
    assert "The invitation was not revoked. They may do more" in guests.manager.get(answer.location).text
    assert guests.outcomes(user) == [None]
    page = open_page(administrator, f"{guests.world.url}/{user}").form("/invitation/revoke").send("Revoke")
    assert "The invitation is revoked" in page.notices


def test_whose_account_went_to_another_user_can_be_invited_again(guests: Guests) -> None:
    """As undoing a merge may leave somebody who had accepted."""
    user, mail = guests.invited()
    guests.accept(mail)
    assert "Send again" not in guests.page(user).text
    guests.world.change(sa.update(User).where(User.id == user).values(account_id=None))
    guests.world.change(sa.update(Invitation).values(created_at=utcnow() - timedelta(minutes=2)))
    assert "on its way" in guests.send(user).notices


def test_who_can_sign_in_already_is_not_invited(guests: Guests) -> None:
    user = guests.world.user_of(guests.manager.account_id)
    assert "Invitation" not in guests.page(user).text
    answer = guests.manager.post(f"{guests.world.url}/{user}/invitation")
    assert "They can sign in already." in guests.manager.get(answer.location).text
    assert mails(guests.app) == []


def test_another_contract_can_neither_send_nor_revoke(app: Flask, guests: Guests) -> None:
    user, mail = guests.invited()
    other = make_actor(app, make_world(app, "bolt").contract_id, "administrator")
    for path in ("acme", "bolt"):
        for rest in ("", "/revoke"):
            assert other.post(f"/c/{path}/users/{user}/invitation{rest}").status_code == 404
    assert guests.outcomes(user) == [None]
    assert guests.accept(mail).response.status_code == 200


def test_names_in_the_mail_carry_no_link_and_no_line(app: Flask, guests: Guests) -> None:
    user = guests.anna()
    guests.world.change(
        sa.update(User)
        .where(User.id == user)
        .values(name="Win http://evil.example/x\r\nBcc: all@example.com")
    )
    guests.world.change(sa.update(Contract).values(name="www.evil.example\r\nBcc: you"))
    guests.send(user)
    mail = guests.mail()
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert mail.to == EMAIL
    assert "evil.example" not in mail.text + mail.subject
    assert mail.text.count("://") == 1  # the invitation's own
    assert "\nBcc" not in mail.text
