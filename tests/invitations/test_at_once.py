"""The same invitation accepted, replaced and revoked at once, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.invitations.guests import PASSWORD, Guests
from tests.users.pages import open_page
from webapp.core.models import Account, AuditEvent, Invitation, db, utcnow


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def test_accepting_in_parallel_makes_one_account(app: Flask, guests: Guests) -> None:
    user, mail = guests.invited()
    forms = []
    for number in range(4):
        page = open_page(guests.anyone(), mail.link)
        forms.append(page.form("/invitation").fill(new_password=f"{PASSWORD} {number}"))
    together = Barrier(4)

    def send(number: int) -> int:
        together.wait()
        return forms[number].send("Accept").response.status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))

    assert answers.count(200) == 1
    assert answers.count(410) == 3
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).where(Account.email == mail.to)) == 1
        accepted = sa.select(sa.func.count()).where(AuditEvent.action == "invitation.accepted")
        assert db.session.scalar(accepted) == 1
    assert guests.outcomes(user) == ["accepted"]


def test_sending_again_twice_at_once_leaves_one_link(app: Flask, guests: Guests) -> None:
    user, _ = guests.invited()
    guests.world.change(sa.update(Invitation).values(created_at=utcnow() - timedelta(minutes=2)))
    forms = [guests.page(user).form(f"/{user}/invitation") for _ in range(2)]
    together = Barrier(2)

    def send(number: int) -> str:
        together.wait()
        return forms[number].send("Send again").notices

    with ThreadPoolExecutor(2) as pool:
        told = " ".join(pool.map(send, range(2)))

    assert told.count("on its way") == told.count("less than a minute ago") == 1
    assert guests.outcomes(user) == ["replaced", None]


def test_accepting_while_it_is_revoked_is_one_or_the_other(app: Flask, guests: Guests) -> None:
    user, mail = guests.invited()
    accept = open_page(guests.anyone(), mail.link).form("/invitation").fill(new_password=PASSWORD)
    revoke = guests.page(user).form("/invitation/revoke")
    together = Barrier(2)

    def at_once(act: Callable[[], object]) -> None:
        together.wait()
        act()

    with ThreadPoolExecutor(2) as pool:
        for done in [
            pool.submit(at_once, lambda: accept.send("Accept")),
            pool.submit(at_once, lambda: revoke.send("Revoke")),
        ]:
            done.result()

    (outcome,) = guests.outcomes(user)
    assert outcome in ("accepted", "revoked")
    assert (guests.account_of(user) is not None) == (outcome == "accepted")
