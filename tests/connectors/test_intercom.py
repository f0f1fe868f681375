"""Intercom's answers, as its documentation describes them and as they should never be."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import config
from tests.connectors.raw_server import answer, raw_server
from webapp.platforms import registry
from webapp.platforms.base import (
    AccessDenied,
    BadResponse,
    Call,
    ConnectorError,
    LastingToken,
    LeftOut,
    Listing,
    Person,
)
from webapp.platforms.http import Answer, Reader
from webapp.platforms.intercom import connector as intercom_connector
from webapp.platforms.intercom.connector import IntercomConnector
from webapp.platforms.platform import Opening

SALT = b"salt"

# The examples of the REST reference, version 2.16: “List all admins” (with every field, then the shortest) and
# “Identify an admin”.
JOE = {
    "type": "admin", "id": "1295", "name": "Joe Example", "email": "jdoe@example.com", "job_title": "Associate",
    "away_mode_enabled": False, "away_mode_reassign": False, "away_status_reason_id": None, "has_inbox_seat": True,
    "team_ids": [814865], "team_priority_level": {"primary_team_ids": [814865], "secondary_team_ids": [493881]},
    "role": {"type": "role", "id": "1", "name": "Support Agent"},
}  # fmt: skip
CIARAN = {
    "type": "admin", "email": "admin7@email.com", "id": "991267466", "name": "Ciaran7 Lee",
    "away_mode_enabled": False, "away_mode_reassign": False, "has_inbox_seat": True, "team_ids": [],
}  # fmt: skip
ME = {
    "type": "admin", "id": "991267459", "email": "admin1@email.com", "name": "Ciaran1 Lee", "email_verified": True,
    "app": {"type": "app", "id_code": "drzzt019", "name": "Example workspace", "created_at": 1734537243,
            "secure": False, "identity_verification": False, "timezone": "America/Los_Angeles", "region": "US"},
    "avatar": {"type": "avatar", "image_url": "https://static.intercomassets.com/avatars/128.png"},
    "has_inbox_seat": True,
}  # fmt: skip


class Canned(Reader):
    """A reader that has one body for everything."""

    def __init__(self, body: object) -> None:
        self._body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def get_json(self, path: str, query: object = ()) -> bytes:
        return self._body


def listed(*admins: object, known: set[bytes] | None = None, salt: bytes = SALT) -> Listing:
    return IntercomConnector(Canned({"type": "admin.list", "admins": list(admins)})).people(
        lambda: known or set(), salt
    )


def admin(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "type": "admin",
        "id": str(number),
        "name": f"Name {number}",
        "email": f"n{number}@example.com",
    } | fields


def one(**fields: Any) -> Person:
    """The person that an admin with ``fields`` becomes."""
    (person,) = listed(admin(**fields)).people
    return person


def parsed(record: object) -> Person | LeftOut:
    return intercom_connector.parse(msgspec.Raw(json.dumps(record).encode()), b"r" * 16)


# ------------------------------------------------------------------ the documented answers
def test_the_documented_list_is_read_with_all_its_columns() -> None:
    listing = listed(JOE, CIARAN)
    assert (listing.found, listing.same, listing.left_out) == (2, set(), [])
    joe, ciaran = listing.people
    assert (joe.remote_id, joe.name, joe.email, joe.username, joe.team) == (
        "1295", "Joe Example", "jdoe@example.com", None, "Team ID 814865",
    )  # fmt: skip
    assert joe.columns == {
        "id": "1295", "name": "Joe Example", "email": "jdoe@example.com", "job_title": "Associate",
        "role.name": "Support Agent",
    }  # fmt: skip
    assert (ciaran.remote_id, ciaran.team) == ("991267466", None)
    assert ciaran.columns == {"id": "991267466", "name": "Ciaran7 Lee", "email": "admin7@email.com"}
    assert len(joe.revision) == 16


def test_the_documented_answer_to_who_am_i_names_the_workspace_and_who_connected_it() -> None:
    account = IntercomConnector(Canned(ME)).account()
    assert (account.id, account.name, account.site) == ("drzzt019", "Example workspace", "us")
    assert account.granted_by == "Ciaran1 Lee, admin1@email.com"


@pytest.mark.parametrize(("region", "site"), [("EU", "eu"), ("au", "au"), ("Mars", None), (None, None)])
def test_the_region_is_known_in_any_case_or_not_at_all(region: str | None, site: str | None) -> None:
    app = ME["app"] | {"region": region}  # type: ignore[operator]
    assert IntercomConnector(Canned(ME | {"app": app})).account().site == site


@pytest.mark.parametrize(
    "me",
    [
        {},
        {"app": None},
        {"app": {"id_code": ""}},
        {"app": {"id_code": " \x00"}},
        {"app": {"id_code": "x" * 256}},
        [],
    ],
)
def test_an_answer_that_names_no_workspace_is_refused(me: object) -> None:
    with pytest.raises(BadResponse, match="which workspace"):
        IntercomConnector(Canned(me)).account()


# ------------------------------------------------------------------ odd values
@pytest.mark.parametrize("number", [1295, "1295", " 1295 "])
def test_an_id_is_text_whatever_it_comes_as(number: object) -> None:
    assert one(id=number).remote_id == "1295"


def test_absent_and_empty_fields_are_nothing() -> None:
    (person,) = listed({"id": "7"}).people
    assert (person.name, person.email, person.team, person.columns) == (None, None, None, {"id": "7"})
    person = one(name="  ", email="", job_title=None, team_ids=None)
    assert (person.name, person.email, set(person.columns)) == (None, None, {"id"})


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("  Zoë  Ångström ", "Zoë Ångström"),
        ("A\x00d\x1ba\n", "A d a"),
        ("李雷", "李雷"),
        ("👩🏽‍💻 Ada", "👩🏽‍💻 Ada"),
    ],
)
def test_names_are_trimmed_and_control_characters_part_words(sent: str, read: str) -> None:
    assert one(name=sent).name == read


@pytest.mark.parametrize("avatar", ["https://x.example/a.png", {"type": "avatar", "image_url": None}, None])
def test_an_avatar_of_any_form_is_passed_over(avatar: object) -> None:
    assert "avatar" not in one(avatar=avatar, team_priority_level={}).columns


def test_columns_are_short_texts_and_numbers_with_clean_names() -> None:
    columns = one(
        job_title=" Lead ", staff=42, long="x" * 256, flag=True, empty=" ", list=[1], object={"a": 1}, ratio=0.5,
        role={"name": None}, **{"n" * 101: "x", "bad\x00name": "x", " spaced ": "x"},
    ).columns  # fmt: skip
    assert columns == {
        "id": "1", "name": "Name 1", "email": "n1@example.com", "job_title": "Lead", "staff": "42",
        "bad name": "x", "spaced": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    "email",
    [
        "operator@intercom.io",
        "operator+drzzt019@intercom.io",
        "Operator+Other@Intercom.IO",
        " operator@intercom.io ",
    ],
)
def test_the_bot_is_told_by_its_address_whatever_it_is_called(email: str) -> None:
    listing = listed(admin(1, name="Helpful Hannah", email=email))
    (entry,) = listing.left_out
    assert (entry.remote_id, entry.name, entry.reason, listing.people) == ("1", "Helpful Hannah", "bot", [])


@pytest.mark.parametrize(
    "email",
    [
        "operator@example.com",
        "my.operator@intercom.io",
        "operators@intercom.io",
        "operator+x@intercom.io.example.com",
    ],
)
def test_somebody_with_a_similar_address_or_the_bots_name_is_a_person(email: str) -> None:
    assert one(name="Operator", email=email).email == email
    assert one(name="Fin").name == "Fin"


def test_an_entry_of_another_type_is_no_person() -> None:
    (entry,) = listed({"type": "team", "id": "5", "name": "Tier 1", "email": "t" * 300}).left_out
    assert (entry.name, entry.email, entry.reason) == ("Tier 1", None, "not_a_person")


def test_a_bot_with_an_address_that_is_too_long_to_keep_is_still_a_bot() -> None:
    (entry,) = listed(admin(1, email=f"operator+{'x' * 300}@intercom.io")).left_out
    assert (entry.email, entry.reason) == (None, "bot")


# ------------------------------------------------------------------ what cannot be trusted
@pytest.mark.parametrize(
    "record",
    [
        {}, {"id": None}, {"id": ""}, {"id": " \x00 "}, {"id": "x" * 256}, {"id": 1.5}, {"id": "1", "name": 5},
        {"id": "1", "email": ["a"]}, {"id": "1", "type": None}, {"id": "1", "team_ids": "all"}, [], "admin", None, 7,
    ],
)  # fmt: skip
def test_an_entry_of_another_shape_refuses_the_whole_list(record: object) -> None:
    with pytest.raises(BadResponse):
        parsed(record)
    with pytest.raises(BadResponse):
        listed(admin(900), record)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b'{"type": "admin.list"}', b'{"type": "admin.list", "admins": null}',
        b'{"type": "error.list", "errors": []}', b'{"type": "admin.list", "admins": [{"id": "1"}', b"<html>",
        b'{"type": "admin.list", "admins": []} trailing', b'{"type": "admin.list", "admins": ["\xff"]}',
        b"[" * 100_000, b'{"type": "admin.list", "admins": [' + b"[" * 100_000,
    ],
    ids=range(13),
)  # fmt: skip
def test_a_list_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(BadResponse, match="documented form"):
        IntercomConnector(Canned(body)).people(set, SALT)


def test_one_page_of_several_is_not_the_list() -> None:
    pages = {"type": "pages", "page": 1, "next": "https://api.intercom.io/admins?page=2", "total_pages": 2}
    with pytest.raises(BadResponse, match="only a part"):
        IntercomConnector(Canned({"type": "admin.list", "admins": [JOE], "pages": pages})).people(set, SALT)
    whole = {"type": "admin.list", "admins": [JOE], "pages": pages | {"next": None, "total_pages": 1}}
    assert IntercomConnector(Canned(whole)).people(set, SALT).found == 1


@pytest.mark.parametrize(
    "second", [admin(1), admin(1, name="Another"), admin(1, id=1), admin(1, email="operator@intercom.io")]
)
def test_a_list_with_one_id_twice_is_refused(second: dict[str, Any]) -> None:
    with pytest.raises(BadResponse, match="twice"):
        listed(admin(1), admin(2), second)


def test_a_known_record_that_comes_twice_is_refused() -> None:
    known = {person.revision for person in listed(admin(1)).people}
    with pytest.raises(BadResponse, match="twice"):
        listed(admin(1), admin(1), known=known)


# ------------------------------------------------------------------ revisions
def test_known_records_are_counted_and_not_given_again() -> None:
    first = listed(admin(1), admin(2))
    known = {person.revision for person in first.people}
    again = listed(admin(1), admin(2, name="Changed"), known=known)
    assert (again.found, [person.name for person in again.people]) == (2, ["Changed"])
    assert again.same == {first.people[0].revision}


def test_another_salt_makes_every_record_new() -> None:
    known = {person.revision for person in listed(admin(1), admin(2)).people}
    assert len(listed(admin(1), admin(2), known=known, salt=b"other").people) == 2


# ------------------------------------------------------------------ words for a refusal
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "unauthorized", "refused our token"),
        (401, "token_revoked", "refused our token"),
        (401, "a_code_of_tomorrow", "refused our token"),
        (401, "token_unauthorized", "lacks the permission “Read admins”"),
        (403, "forbidden", "lacks the permission “Read admins”"),
        (403, "api_plan_restricted", "plan does not include"),
    ],
)
def test_the_status_decides_and_the_code_explains(status: int, code: str, words: str) -> None:
    body = json.dumps({"type": "error.list", "request_id": None, "errors": [{"code": code, "message": None}]})
    refusal = intercom_connector.denial(Answer(status, {}, body.encode()))
    assert isinstance(refusal, AccessDenied)
    assert words in str(refusal)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"errors": 5}', b"[" * 100_000, b'{"errors": [{"code": "\xff"}]}']
)
def test_a_refusal_in_any_form_is_a_refusal(body: bytes) -> None:
    assert "refused our token" in str(intercom_connector.denial(Answer(401, {}, body)))


# ------------------------------------------------------------------ whatever comes
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "name", "email", "type", "role", "admins", "x"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)
almost_admins = st.fixed_dictionaries(
    {"id": st.integers() | st.text(max_size=4)},
    optional={
        "type": st.sampled_from(["admin", "team"]),
        "name": st.none() | st.text(max_size=300),
        "email": st.none() | st.text(max_size=30) | st.just("operator@intercom.io"),
        "team_ids": st.none() | st.lists(st.integers() | st.text(max_size=4), max_size=3),
        "role": json_values,
        "job_title": json_values,
    },
)


def reads_or_refuses(body: bytes) -> Listing | None:
    """What the connector makes of ``body``; nothing but a ConnectorError may come out of it."""
    with suppress(ConnectorError):
        IntercomConnector(Canned(body)).account()
    try:
        return IntercomConnector(Canned(body)).people(set, SALT)
    except ConnectorError:
        return None


@given(json_values)
def test_any_json_is_read_or_refused(value: object) -> None:
    reads_or_refuses(json.dumps(value).encode())


@given(st.binary(max_size=200))
@example(b'{"type": "admin.list", "admins": [{"id": ' + b"9" * 5000 + b"}]}")
@example(b'{"type": "admin.list", "admins": [{"id": "1", "x": ' + b"9" * 5000 + b"}]}")
@example(b'{"type": "admin.list", "admins": [{"id": "1", "x": "\xed\xa0\x80"}]}')
@example(b'{"type": "admin.list", "admins": [{"id": "1", "x": "\\ud800"}]}')
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    reads_or_refuses(body)


@given(st.lists(almost_admins, max_size=5))
def test_whoever_is_read_can_be_stored(admins: list[dict[str, Any]]) -> None:
    listing = reads_or_refuses(json.dumps({"type": "admin.list", "admins": admins}).encode())
    if listing is None:
        return
    assert listing.found == len(admins) == len(listing.people) + len(listing.left_out)
    for person in listing.people:
        assert 0 < len(person.remote_id) <= 255
        for text in (person.remote_id, person.name, person.email, *person.columns, *person.columns.values()):
            assert text is None or (text == text.strip() != "" and "\x00" not in text and text.encode())
        assert all(len(value) <= 255 for value in person.columns.values())
    for entry in listing.left_out:
        assert 0 < len(entry.name) <= 255
        assert len(entry.email or "") <= 254


# ------------------------------------------------------------------ the registry
def test_intercom_is_asked_in_the_version_that_was_read_about(tmp_path: Path) -> None:
    settings = config.test_settings(database_url="sqlite:///x", redis_url="unix:///x", data_dir=tmp_path)
    calls: list[Call] = []
    with raw_server(answer(body=ME), answer(body={"type": "admin.list", "admins": [JOE]})) as server:
        client = replace(settings.intercom, api_url=server.url)
        opening = Opening("us", LastingToken("secret"), replace(settings, intercom=client), calls.append)
        connector = registry.connector("intercom", opening)
        assert connector.account().id == "drzzt019"
        assert connector.people(set, SALT).found == 1
        assert server.asked() == ["GET /me", "GET /admins"]
        for number in (0, 1):
            assert server.header("Intercom-Version", number) == "2.16"
            assert server.header("Accept", number) == "application/json"
            assert server.header("Authorization", number) == "Bearer secret"
    assert [(call.method, call.path, call.status) for call in calls] == [
        ("GET", "/me", 200),
        ("GET", "/admins", 200),
    ]


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us", "https://api.intercom.io"),
        ("eu", "https://api.eu.intercom.io"),
        ("au", "https://api.au.intercom.io"),
    ],
)
def test_each_region_has_its_own_address(region: str, url: str, tmp_path: Path) -> None:
    settings = config.test_settings(database_url="sqlite:///x", redis_url="unix:///x", data_dir=tmp_path)
    assert intercom_connector.api_url(region, settings) == url


def test_the_settings_limit_every_call(tmp_path: Path) -> None:
    settings = config.test_settings(
        database_url="sqlite:///x",
        redis_url="unix:///x",
        data_dir=tmp_path,
        http_retry_ceiling=7.0,
        http_max_bytes=9,
    )
    limits = Opening("us", LastingToken("secret"), settings, lambda _call: None).limits
    assert (limits.wait_ceiling, limits.max_bytes) == (7.0, 9)
