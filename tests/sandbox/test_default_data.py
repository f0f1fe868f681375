"""The teammates that a new sandbox has."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.intercom.teammates import teammates
from tests.sandbox.caller import Caller
from tests.servers.sandbox import Sandbox

BOT = re.compile(r"operator(\+[^@]*)?@intercom\.io", re.IGNORECASE)


@pytest.fixture
def admins(caller: Caller, token: str) -> list[dict[str, Any]]:
    return caller.admins(token)


def test_there_are_about_two_hundred_people(admins: list[dict[str, Any]]) -> None:
    assert 195 <= len(admins) <= 210


def test_ids_and_addresses_tell_everybody_apart(admins: list[dict[str, Any]]) -> None:
    assert len({admin["id"] for admin in admins}) == len(admins)
    folded = {unicodedata.normalize("NFKC", admin["email"]).casefold() for admin in admins}
    assert len(folded) == len(admins)


def test_everybody_can_be_imported(admins: list[dict[str, Any]]) -> None:
    for admin in admins:
        assert admin["type"] == "admin"
        assert admin["id"].isdigit()
        assert admin["name"].strip()
        assert 3 <= len(admin["email"]) <= 100
        assert admin["email"].isascii()
        assert BOT.fullmatch(admin["email"]) or admin["email"].lower().endswith("@kestrel.example")


def test_the_bot_is_listed_with_the_name_the_customer_gave_it(admins: list[dict[str, Any]]) -> None:
    (bot,) = [admin for admin in admins if BOT.fullmatch(admin["email"])]
    assert "operator" not in bot["name"].lower()
    assert "fin" not in bot["name"].lower()


@pytest.mark.parametrize(
    "oddity",
    [
        lambda admin: "job_title" not in admin,
        lambda admin: admin.get("job_title", "") is None,
        lambda admin: admin["email"] != admin["email"].lower(),
        lambda admin: not admin["name"].isascii(),
        lambda admin: admin["has_inbox_seat"] is False,
        lambda admin: admin["email"].startswith("support@"),
        lambda admin: admin.get("team_priority_level") == {},
        lambda admin: "team_priority_level" in admin and admin["team_priority_level"] is None,
        lambda admin: "role" not in admin,
        lambda admin: admin["team_ids"] == [],
        lambda admin: admin["away_mode_enabled"],
        lambda admin: admin["name"] != admin["name"].strip(),
    ],
    ids=[
        "without job_title", "job_title null", "upper-case email", "non-ASCII name", "no seat", "shared mailbox",
        "team_priority_level empty", "team_priority_level null", "without role", "no team", "away",
        "spaces round a name",
    ],
)  # fmt: skip
def test_every_oddity_of_real_lists_is_there(
    admins: list[dict[str, Any]], oddity: Callable[[dict[str, Any]], bool]
) -> None:
    assert [admin for admin in admins if oddity(admin)]


def test_two_people_share_a_name(admins: list[dict[str, Any]]) -> None:
    assert Counter(admin["name"] for admin in admins).most_common(1)[0][1] == 2


def test_names_come_in_many_scripts(admins: list[dict[str, Any]]) -> None:
    scripts = {
        unicodedata.name(char).split()[0] for admin in admins for char in admin["name"] if char.isalpha()
    }
    assert scripts >= {"LATIN", "CYRILLIC", "GREEK", "CJK"}


def test_two_new_sandboxes_have_the_same_people(
    caller: Caller, token: str, start_sandbox: Callable[..., Sandbox]
) -> None:
    other = Caller(start_sandbox())
    assert other.admins(other.token()) == caller.admins(token)


def test_fewer_are_the_first_of_more_and_another_seed_makes_others() -> None:
    few, more = list(teammates(50, 1, odd=True)), list(teammates(5000, 1, odd=True))
    assert more[:50] == few
    assert len({admin["email"].lower() for admin in more}) == 5000
    assert list(teammates(50, 2, odd=True)) != few
