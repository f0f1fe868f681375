"""Windows of ten seconds, counted for the app, and the headers that tell of them."""

from __future__ import annotations

import time

import pytest

from sandbox.rate_windows import RateWindows
from tests.sandbox.caller import Caller, problem_of


class Now:
    """A clock that stands still until it is moved."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def test_a_window_begins_anew_at_each_multiple_of_its_length() -> None:
    now = Now(1_000_009.5)
    windows = RateWindows(2, 10, now)
    taken = [windows.take("app") for _ in range(3)]
    assert [one.allowed for one in taken] == [True, True, False]
    assert [one.remaining for one in taken] == [1, 0, 0]
    assert {one.reset for one in taken} == {1_000_010}
    now.seconds = 1_000_010.0
    assert windows.take("app").allowed
    assert windows.take("app").reset == 1_000_020


def test_apps_are_counted_apart() -> None:
    windows = RateWindows(1, 10, Now(5))
    assert windows.take("one").allowed
    assert windows.take("other").allowed
    assert not windows.take("one").allowed


def test_every_authenticated_answer_tells_of_the_window(caller: Caller, token: str) -> None:
    for path, status in (("/me", 200), ("/admins", 200), ("/admins/1", 404), ("/nothing", 404)):
        before = time.time()
        answer = caller.get(path, token)
        assert answer.status_code == status
        assert answer.headers["X-RateLimit-Limit"] == "1666"
        assert 0 <= int(answer.headers["X-RateLimit-Remaining"]) < 1666
        reset = int(answer.headers["X-RateLimit-Reset"])
        assert reset % 10 == 0
        assert before < reset <= time.time() + 10
    assert "X-RateLimit-Limit" in caller.get("/me", token, "9.9").headers


def test_more_calls_than_allowed_get_a_429_until_the_window_ends(caller: Caller, token: str) -> None:
    caller.control("POST", "rate-limit", {"limit": 3})
    answers = [caller.get("/me", token) for _ in range(8)]  # at least four in one window, wherever it ends
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert problem_of(refused) == (429, "rate_limit_exceeded", "Exceeded rate limit of 3 in 10_seconds")
    assert refused.headers["X-RateLimit-Limit"] == "3"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert "Retry-After" not in refused.headers
    caller.control("POST", "rate-limit", {})
    assert caller.get("/me", token).status_code == 200


def test_tokens_of_one_app_share_its_limit(caller: Caller, token: str) -> None:
    other = caller.token()
    caller.control("POST", "rate-limit", {"limit": 0})
    assert caller.get("/me", token).status_code == caller.get("/me", other).status_code == 429


def test_a_refused_token_is_not_counted(caller: Caller, token: str) -> None:
    caller.control("POST", "rate-limit", {"limit": 1})
    for _ in range(5):
        assert caller.get("/me", "nonsense").status_code == 401
    assert caller.get("/me", token).status_code == 200


@pytest.mark.parametrize("order", [{"limit": -1}, {"limit": "3"}, {"limit": True}])
def test_a_limit_must_be_a_number(caller: Caller, order: dict[str, object]) -> None:
    answer = caller.call("POST", "/control/rate-limit", json=order)
    assert answer.status_code == 400
    assert "limit must be a number" in answer.json()["error"]
