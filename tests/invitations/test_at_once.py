"""The same invitation accepted, replaced and revoked at once, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.invitations.guests import PASSWORD, Guests
from tests.users.pages import open_page
from webapp.models import Account, AuditEvent, db


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
