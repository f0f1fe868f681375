"""A connection to Postgres that is ended in the middle of a request: the product's page, and nothing of it stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor, make_contract
from tests.pages import problems_of_page
from webapp import navigation
from webapp.accounts.sign_in import sessions
from webapp.core import database
from webapp.core.database import write_transaction
from webapp.core.models import Account, Contract, db
from webapp.web.access import requires

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@dataclass
class Cut:
    """Ends every connection of the product, once, at the place that is asked for."""

    owner_url: str
    place: str = ""
    done: list[str] = field(default_factory=list)

    def at(self, place: str) -> None:
        if place != self.place or self.done:
            return
        self.done.append(place)
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def looks() -> None:
    db.session.scalar(sa.select(Account.id).where(Account.id == 1))


@pytest.fixture
def cut(postgres_owner_url: str) -> Cut:
    return Cut(postgres_owner_url)


def view_of(cut: Cut) -> Callable[[str], str]:
    def writes(contract: str, place: str) -> None:
        with write_transaction() as session:
            session.execute(sa.update(Contract).where(Contract.slug == contract).values(name="changed"))
            cut.at(place)
            if place == "while it writes":
                looks()

    def catches() -> None:
        with pytest.raises(sa.exc.OperationalError):
            looks()
        looks()

    def view(contract: str) -> str:
        looks()
        if cut.place in ("while it writes", "before it commits"):
            writes(contract, cut.place)
        for place, then in (
            ("in a view, which goes on", looks),
            ("where it is caught", catches),
            ("in a view that breaks by itself", lambda: 1 / 0),
            ("when the view is done", lambda: None),
        ):
            if place == cut.place:
                cut.at(place)
                then()
        return "ok"

    return view


@pytest.fixture
def ana(app: Flask, cut: Cut, monkeypatch: pytest.MonkeyPatch) -> Actor:
    def before() -> None:
        looks()
        cut.at("before the view")

    def after(response: object) -> object:
        if cut.place != "when the view is done":
            looks()
        cut.at("after the view")
        return response

    def teardown(_error: object) -> None:
        if cut.place == "in a teardown":
            looks()
        cut.at("in a teardown")

    def within(place: str, function: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object) -> object:
            looks()
            cut.at(place)
            return function(*arguments)

        return wrapped

    app.config["PROPAGATE_EXCEPTIONS"] = False  # as gunicorn has it
    app.add_url_rule("/c/<contract>/cut", "cut", requires()(view_of(cut)))
    app.before_request(before)
    app.after_request(after)
    app.teardown_request(teardown)
    monkeypatch.setattr(sessions, "find", within("while the account is loaded", sessions.find))
    monkeypatch.setattr(navigation, "navigation", within("in the frame of the page", navigation.navigation))
    return make_actor(app, make_contract(app, "acme"), "administrator")


REFUSED = [
    "in a view, which goes on",
    "while it writes",
    "before it commits",
    "where it is caught",
    "while the account is loaded",
]
ANSWERED = ["when the view is done", "after the view", "in a teardown"]


@pytest.mark.parametrize("place", [*REFUSED, "before the view", "in the frame of the page"])
def test_B12_a_connection_that_is_cut_is_answered_by_a_page_with_a_reference(
    app: Flask, ana: Actor, cut: Cut, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    cut.place = place
    answer = ana.get("/c/acme/audit" if place == "in the frame of the page" else "/c/acme/cut")
    assert cut.done == [place]
    assert answer.status_code == 503
    assert "<h1>Rollcall cannot reach its database</h1>" in answer.text
    assert problems_of_page(answer.text) == []
    assert re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", answer.headers["X-Request-Id"])
    assert answer.headers["X-Request-Id"] in answer.text
    assert any(record.exc_info for record in caplog.records)
    nothing_stays(app, ana)


@pytest.mark.parametrize("place", ANSWERED)
def test_B12_what_was_answered_already_is_not_taken_back(
    app: Flask, ana: Actor, cut: Cut, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    cut.place = place
    answer = ana.get("/c/acme/cut")
    assert cut.done == [place]
    assert (answer.status_code, answer.text) == (200, "ok")
    assert "the connection to the database was lost" in caplog.text
    nothing_stays(app, ana)


def test_B12_an_error_of_our_own_beside_it_is_told_as_one(app: Flask, ana: Actor, cut: Cut) -> None:
    cut.place = "in a view that breaks by itself"
    answer = ana.get("/c/acme/cut")
    assert answer.status_code == 500
    assert "<h1>Something went wrong on our side</h1>" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    nothing_stays(app, ana)


def test_B12_a_connection_that_waited_too_long_within_a_transaction_is_one_too(
    app: Flask, ana: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres then speaks of another kind of error."""

    def idle(_session: object) -> None:
        db.session.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 1"))
        db.session.execute(sa.text("SELECT 1"))
        driver = db.session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        while not driver.closed:
            try:
                driver.pgconn.consume_input()
            except psycopg.OperationalError:
                break
        looks()

    app.view_functions["cut"] = requires()(lambda contract: idle(contract))
    answer = ana.get("/c/acme/cut")
    assert answer.status_code == 503
    nothing_stays(app, ana)


def test_B12_a_job_lets_go_of_a_dead_session_too(app: Flask, cut: Cut) -> None:
    cut.place = "in a job"
    with app.app_context():
        looks()
        cut.at("in a job")
    with app.app_context():
        looks()
        database.let_go()
        database.let_go()


def nothing_stays(app: Flask, ana: Actor) -> None:
    """The next requests are served as ever, and nothing half done was kept."""
    for _ in range(3):
        assert ana.get("/c/acme/audit").status_code == 200
    with app.app_context():
        assert db.session.scalar(sa.select(Contract.name).where(Contract.slug == "acme")) == "Contract acme"
