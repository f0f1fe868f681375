"""What waits in the outbox is mailed only to who may still accept it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor
from tests.invitations.guests import Guests
from tests.invitations.test_inviting import activate
from tests.servers.mail import Mailbox, mail_server
from tests.users.pages import open_page
from tests.users.world import World
from webapp.core.models import Invitation, Message, User, UserRole, db, utcnow
from webapp.jobs import functions


@pytest.fixture
def mailbox(app: Flask) -> Iterator[Mailbox]:
    with mail_server() as box:
        app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], mail=box.settings)
        yield box


def deliver(app: Flask) -> list[tuple[str, bool, str | None]]:
    """Let a worker send what waits; state, whether the text is kept, and error of each mail."""
    with app.app_context():
        functions.deliver_mail()
        db.session.rollback()
        rows = db.session.scalars(sa.select(Message).order_by(Message.id)).all()
        return [(row.state, row.sealed_text is not None, row.error) for row in rows]


def test_undoing_an_activation_keeps_its_mails_from_those_who_are_pending_again(
    app: Flask, world: World, manager: Actor, mailbox: Mailbox
) -> None:
    people = world.add("Anna Kim", "Bo Lund")
    done = activate(world, manager, people, invite="y")
    (way,) = [link for link in done.root.all("a") if link.text == "Undo…"]
    open_page(manager, way.attrs["href"]).form("/undo").send("Undo the activation")
    assert world.statuses(people) == ["pending", "pending"]

    told = deliver(app)

    assert mailbox.received == []
    assert [(state, kept) for state, kept, _ in told] == [("failed", False)] * 2
    assert told[0][2] == "It was not sent: the activation was undone before."


CHANGES: dict[str, Callable[[Guests, int], object]] = {
    "deactivated": lambda guests, user: guests.world.set_status([user], "inactive"),
    "revoked": lambda guests, user: guests.page(user).form("/invitation/revoke").send("Revoke"),
    "another email": lambda guests, user: guests.world.change(
        sa.update(User).where(User.id == user).values(email="x@acme.example", email_key="x@acme.example")
    ),
    "the sender has no role": lambda guests, _: guests.world.change(
        sa.delete(UserRole).where(UserRole.user_id == guests.world.user_of(guests.manager.account_id))
    ),
}


@pytest.mark.parametrize("why", CHANGES)
def test_a_mail_whose_link_would_open_nothing_is_not_sent(
    app: Flask, guests: Guests, mailbox: Mailbox, why: str
) -> None:
    user, _ = guests.invited()
    CHANGES[why](guests, user)
    assert [state for state, _, _ in deliver(app)] == ["failed"]
    assert mailbox.received == []


def test_of_two_invitations_only_the_newest_is_sent(app: Flask, guests: Guests, mailbox: Mailbox) -> None:
    user, _ = guests.invited()
    guests.world.change(sa.update(Invitation).values(created_at=utcnow() - timedelta(minutes=2)))
    guests.send(user)
    newest = guests.mail()
    assert [state for state, _, _ in deliver(app)] == ["failed", "sent"]
    (mail,) = mailbox.mails
    assert newest.token in mail.get_content()


def test_the_page_of_the_user_says_why_the_mail_has_not_arrived(
    app: Flask, guests: Guests, mailbox: Mailbox
) -> None:
    user, _ = guests.invited()
    mailbox.answers["RCPT"] = "550 no such person"
    deliver(app)
    panel = guests.page(user).root.one("section", id="invitation").text
    assert "Its email has not been sent: The mail server answered 550 no such person" in panel
