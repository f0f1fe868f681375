"""A number of proxies that does not fit is told at the first request that shows it, and nobody's address with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

import config
from webapp import create_app
from webapp.core.models import db
from webapp.web.proxies import BARE_REQUESTS


@pytest.fixture
def behind(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[Callable[[int], Flask]]:
    """``behind(2)``: the application that is told of two proxies."""
    settings = config.test_settings(database_url=sqlite_url, redis_url=redis_url, data_dir=tmp_path)
    apps: list[Flask] = []

    def build(proxies: int) -> Flask:
        apps.append(create_app(replace(settings, proxies=proxies)))
        return apps[-1]

    yield build
    for app in apps:
        with app.app_context():
            db.engine.dispose()


@pytest.mark.parametrize(
    ("proxies", "headers", "says"),
    [
        (0, {"X-Forwarded-For": "203.0.113.9"}, "carries X-Forwarded-For, and TRUSTED_PROXIES is 0"),
        (0, {"Forwarded": "for=203.0.113.9"}, "carries Forwarded, and TRUSTED_PROXIES is 0"),
        (1, {"Forwarded": "for=203.0.113.9"}, "carries Forwarded and no X-Forwarded-For"),
        (
            2,
            {"X-Forwarded-For": "203.0.113.9"},
            "carries 1 addresses in X-Forwarded-For, and TRUSTED_PROXIES is 2",
        ),
        (1, {"X-Forwarded-For": "203.0.113.9, 10.0.0.2"}, "set TRUSTED_PROXIES to 2"),
    ],
)
def test_A3_what_does_not_fit_is_told_once(
    behind: Callable[[int], Flask],
    caplog: pytest.LogCaptureFixture,
    proxies: int,
    headers: dict[str, str],
    says: str,
) -> None:
    client = behind(proxies).test_client()
    with caplog.at_level(logging.WARNING, "webapp.web.proxies"):
        client.get("/sign-in")
        assert caplog.messages == []
        for _ in range(3):
            assert client.get("/sign-in", headers=headers).status_code == 200
    (told,) = caplog.messages
    assert says in told
    assert "203.0.113.9" not in told
    assert "10.0.0.2" not in told


@pytest.mark.parametrize(
    ("proxies", "said"),
    [
        (1, "203.0.113.9"),
        (1, "198.51.100.7, 203.0.113.9"),
        (1, "198.51.100.7, nonsense"),
        (1, "10.0.0.9"),
        (2, "203.0.113.9, 10.0.0.2"),
        (2, "198.51.100.7, 203.0.113.9, 10.0.0.2"),
    ],
)
def test_what_fits_is_worth_no_word(
    behind: Callable[[int], Flask], caplog: pytest.LogCaptureFixture, proxies: int, said: str
) -> None:
    with caplog.at_level(logging.WARNING, "webapp.web.proxies"):
        assert (
            behind(proxies).test_client().get("/sign-in", headers={"X-Forwarded-For": said}).status_code
            == 200
        )
    assert caplog.messages == []


def test_A3_requests_that_never_name_a_proxy_are_told_once(
    behind: Callable[[int], Flask], caplog: pytest.LogCaptureFixture
) -> None:
    client = behind(1).test_client()
    with caplog.at_level(logging.WARNING, "webapp.web.proxies"):
        for _ in range(BARE_REQUESTS - 1):
            client.get("/sign-in")
        assert caplog.messages == []
        for _ in range(2 * BARE_REQUESTS):
            client.get("/sign-in")
    (told,) = caplog.messages
    assert told.startswith("TRUSTED_PROXIES is 1, and none of the first 20 requests carried X-Forwarded-For.")
    assert "set TRUSTED_PROXIES to 0" in told


@pytest.mark.parametrize(
    ("proxies", "first", "address"),
    [(0, {}, "/sign-in"), (1, {}, "/healthz/live"), (1, {"X-Forwarded-For": "203.0.113.9"}, "/sign-in")],
    ids=["nobody expects a proxy", "a monitor", "the proxy was heard of"],
)
def test_A3_requests_without_a_proxy_may_be_as_they_should(
    behind: Callable[[int], Flask],
    caplog: pytest.LogCaptureFixture,
    proxies: int,
    first: dict[str, str],
    address: str,
) -> None:
    client = behind(proxies).test_client()
    with caplog.at_level(logging.WARNING, "webapp.web.proxies"):
        client.get(address, headers=first)
        for _ in range(2 * BARE_REQUESTS):
            client.get(address)
    assert caplog.messages == []
