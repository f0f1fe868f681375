"""Two links of one account used at once, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.actors import Actor
from tests.auth.form import attempt
from tests.reset.test_resetting import NEW, asked, visitor
from tests.users.pages import open_page
from webapp.accounts.sign_in import links


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def test_of_two_links_that_are_used_at_once_one_works(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither waits for the other in the end: each would take its own link first and then that of the other."""
    real, both_have_one = links.void, Barrier(2)

    def void(session: Session, account_id: int) -> None:
        with suppress(BrokenBarrierError):
            both_have_one.wait(1)
        real(session, account_id)

    monkeypatch.setattr(links, "void", void)
    passwords = [f"{NEW} {number}" for number in range(2)]
    pages = [open_page(visitor(app), asked(app).link) for _ in passwords]
    forms = [
        page.form("/reset-password").fill(password=password)
        for page, password in zip(pages, passwords, strict=True)
    ]
    together = Barrier(2)

    def send(number: int) -> int:
        together.wait(30)
        return forms[number].send("Set the password").response.status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, range(2)))

    assert sorted(answers) == [200, 410]
    worked = answers.index(200)
    assert attempt(app.test_client(), passwords[worked]).status_code == 303
    assert attempt(app.test_client(), passwords[1 - worked]).status_code == 401
