"""Looking at passwords takes one turn at a time and half of the threads, so pages are answered meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.actors import PASSWORD, Actor, csrf_of, make_actor
from tests.auth.form import EMAIL
from tests.mails import mails
from webapp.accounts.sign_in import passwords
from webapp.accounts.sign_in.hashing import Busy, Gate, gate

THREADS = 4  # of the web: two for passwords


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite: the database makes no difference here."""
    return sqlite_url


@pytest.fixture(autouse=True)
def few_threads(app: Flask) -> Iterator[None]:
    gate.resize(THREADS)
    yield
    gate.resize(8)


class Slow:
    """The real hasher, which waits at each password until it is told to go on, and counts."""

    def __init__(self, real: object) -> None:
        self._real = real
        self._lock = threading.Lock()
        self.go_on = threading.Event()
        self.begun = threading.Event()
        self.now = self.most = self.all = 0

    def verify(self, hashed: str, password: str) -> bool:
        with self._lock:
            self.now += 1
            self.all += 1
            self.most = max(self.most, self.now)
        self.begun.set()
        assert self.go_on.wait(60)
        try:
            return bool(self._real.verify(hashed, password))  # type: ignore[attr-defined]
        finally:
            with self._lock:
                self.now -= 1

    def check_needs_rehash(self, hashed: str) -> bool:
        return False


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow(passwords._hasher)
    monkeypatch.setattr(passwords, "_hasher", slow)
    return slow


@contextmanager
def both_places_taken() -> Iterator[None]:
    """Two others hold the places of this process."""
    taken, leave = threading.Barrier(3), threading.Event()

    def hold() -> None:
        with gate.place():
            taken.wait(30)
            leave.wait(60)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(hold)
        taken.wait(30)
        try:
            yield
        finally:
            leave.set()


def test_B8_ten_sign_ins_at_once_take_one_turn_at_a_time_and_leave_pages_alone(
    app: Flask, ines: Actor, slow: Slow
) -> None:
    clients = [app.test_client() for _ in range(10)]
    tokens = [csrf_of(client.get("/sign-in")) for client in clients]
    together = threading.Barrier(10)
    refused = threading.Semaphore(0)

    def sign_in(number: int) -> TestResponse:
        together.wait(30)
        form = {"csrf_token": tokens[number], "email": EMAIL, "password": PASSWORD, "next": "/account"}
        answer = clients[number].post("/sign-in", data=form)
        if answer.status_code == 503:
            refused.release()
        return answer

    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(sign_in, number) for number in range(10)]
        assert slow.begun.wait(30)
        for _ in range(8):  # who finds no place is told at once, while the first is still looked at
            assert refused.acquire(timeout=30)
        assert (slow.now, slow.all) == (1, 1)
        assert app.test_client().get("/sign-in").status_code == 200
        assert ines.get("/account").status_code == 200
        slow.go_on.set()
        answers = [one.result(60) for one in waiting]

    assert sorted(answer.status_code for answer in answers) == [303] * 2 + [503] * 8
    assert (slow.most, slow.all) == (1, 2)
    said = next(answer for answer in answers if answer.status_code == 503)
    assert said.headers["Retry-After"] == "3"
    assert "Many people are signing in at this moment." in said.text
    assert f'value="{EMAIL}"' in said.text
    assert 'name="next" value="/account"' in said.text
    assert PASSWORD not in said.text


def test_B8_who_finds_no_place_is_not_counted_as_guessing(app: Flask, ines: Actor) -> None:
    client = app.test_client()
    token = csrf_of(client.get("/sign-in"))
    form = {"csrf_token": token, "email": EMAIL, "password": PASSWORD}
    with both_places_taken():
        assert [client.post("/sign-in", data=form).status_code for _ in range(40)] == [503] * 40
    assert client.post("/sign-in", data=form).status_code == 303


NEW = "plain kettle rowing far"


def _says_busy(answer: TestResponse, *kept: str) -> None:
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "3"
    assert "Many people are signing in at this moment. Nothing was changed." in answer.text
    for text in kept:
        assert f'value="{text}"' in answer.text
    assert PASSWORD not in answer.text
    assert NEW not in answer.text


def test_B8_every_form_with_a_password_says_so_and_changes_nothing(app: Flask, ines: Actor) -> None:
    visitor = app.test_client()
    visitor.post(
        "/forgot-password", data={"csrf_token": csrf_of(visitor.get("/forgot-password")), "email": EMAIL}
    )
    visitor.get(mails(app, purpose="password_reset")[-1].link)
    token = csrf_of(visitor.get("/reset-password"))
    with both_places_taken():
        _says_busy(visitor.post("/reset-password", data={"csrf_token": token, "password": NEW}))
        _says_busy(ines.post("/account/password", {"current": PASSWORD, "password": NEW}))
        email = {"current": PASSWORD, "email": "ines.new@example.com"}
        _says_busy(ines.post("/account/email", dict(email)), "ines.new@example.com")
    assert visitor.post("/reset-password", data={"csrf_token": token, "password": NEW}).status_code == 303


def test_a_thread_needs_one_place_for_all_its_turns() -> None:
    narrow = Gate(threads=1)
    with narrow.place(), narrow.turn(), narrow.place():
        pass
    with narrow.place(), ThreadPoolExecutor(1) as pool, pytest.raises(Busy):
        pool.submit(lambda: narrow.turn().__enter__()).result()
    with narrow.turn():
        pass


def test_the_web_has_threads_for_passwords_as_for_pages(app: Flask, contract_id: int, ines: Actor) -> None:
    """A place is given back whatever happens in it."""
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), gate.turn():
            raise ZeroDivisionError
    other = make_actor(app, contract_id, "agent")
    client: FlaskClient = app.test_client()
    for password, status in (("wrong", 401), (PASSWORD, 303)):
        form = {"csrf_token": csrf_of(client.get("/sign-in")), "email": other.email, "password": password}
        assert client.post("/sign-in", data=form).status_code == status
