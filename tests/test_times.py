"""Moments in words: relative when fresh, absolute after, in the contract's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from tests.actors import make_actor, make_contract
from webapp.core.models import Account, db
from webapp.core.permissions import access_to
from webapp.web.times import duration, relative, timestamp

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=6, minutes=59, seconds=59), "6 h ago"),
        (timedelta(hours=7), "23 Nov, 05:00"),
        (timedelta(days=1), "22 Nov, 12:00"),
        (timedelta(days=326), "1 Jan, 12:00"),
        (timedelta(days=327), "31 Dec 2025, 12:00"),
        (timedelta(seconds=-30), "in under a minute"),
        (timedelta(minutes=-5), "in 5 min"),
        (timedelta(hours=-6), "in 6 h"),
        (timedelta(hours=-7), "23 Nov, 19:00"),
        (timedelta(days=-60), "22 Jan 2027, 12:00"),
    ],
)
def test_a_moment_is_relative_under_seven_hours_and_absolute_after(ago: timedelta, text: str) -> None:
    assert timestamp(NOW - ago, NOW).text == text


def test_the_whole_moment_is_always_at_hand() -> None:
    moment = timestamp(NOW - timedelta(minutes=3), NOW)
    assert moment.iso == "2026-11-23T11:57:00+00:00"
    assert moment.title == "23 November 2026, 11:57:00 UTC"
    assert moment.absolute == "23 Nov, 11:57"
    assert moment.clock == "11:57:00"
    assert moment.relative


def test_a_contracts_pages_are_in_its_time_zone(app: Flask) -> None:
    contract_id = make_contract(app, "acme")  # in London
    actor = make_actor(app, contract_id, "agent")
    with app.test_request_context():
        g.access = access_to("acme", db.session.get_one(Account, actor.account_id), NOW)
        winter = timestamp(datetime(2026, 1, 10, 23, 30, tzinfo=UTC), NOW)
        summer = timestamp(datetime(2026, 7, 10, 23, 30, tzinfo=UTC), NOW)
    assert winter.title == "10 January 2026, 23:30:00 GMT"
    assert summer.title == "11 July 2026, 00:30:00 BST"
    assert summer.text == "11 Jul, 00:30"
    assert summer.iso == "2026-07-10T23:30:00+00:00"
    assert winter.text == "10 Jan, 23:30"


@given(st.integers(946_684_800, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC)))
def test_every_moment_has_words(moment: datetime) -> None:
    shown = timestamp(moment, NOW)
    assert datetime.fromisoformat(shown.iso) == moment
    assert shown.relative == (abs(NOW - moment) < timedelta(hours=7))
    assert "0 min" not in shown.text.split()[:1]


@given(st.integers(1, 7 * 3600))
def test_what_is_past_is_never_made_older_and_what_is_to_come_is_the_nearest(seconds: int) -> None:
    past = relative(NOW - timedelta(seconds=seconds), NOW)
    assert _seconds_in(past) <= seconds
    assert past.endswith(" ago") == (seconds >= 60)

    coming = relative(NOW + timedelta(seconds=seconds), NOW)
    unit = 3600 if coming.endswith(" h") else 60
    assert coming.startswith("in ")
    assert seconds < 60 or abs(_seconds_in(coming) - seconds) <= unit / 2


def _seconds_in(text: str) -> int:
    amount = next((int(word) for word in text.split() if word.isdigit()), 0)
    return amount * (3600 if " h" in text else 60)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (12.4, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (242, "4 min 2 s"),
        (3599.6, "1 h 0 min"),
        (3900, "1 h 5 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_how_long_something_took(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
