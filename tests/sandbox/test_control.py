"""The control interface: teammates, the workspace, reset, and what it says to wrong orders."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.caller import Caller

OWNER = "991267400"


def test_a_list_that_is_put_is_the_list_that_is_served(caller: Caller, token: str) -> None:
    whole = {
        "type": "admin", "id": "1295", "name": "Joe Example", "email": "jdoe@example.com", "job_title": "Associate",
        "away_mode_enabled": False, "away_mode_reassign": False, "away_status_reason_id": None, "has_inbox_seat": True,
        "team_ids": [814865],
        "team_priority_level": {"primary_team_ids": [814865], "secondary_team_ids": [493881]},
        "role": {"type": "role", "id": "1", "name": "Support Agent"},
    }  # fmt: skip
    avatar = "https://picsum.photos/200/300"
    assert caller.control("PUT", "admins", {"admins": [whole | {"avatar": avatar}]}) == {"count": 1}
    assert caller.admins(token) == [whole]
    assert caller.admins(token, "?display_avatar=true") == [whole | {"avatar": avatar}]


def test_what_is_left_out_stays_out_but_for_what_intercom_always_sends(caller: Caller, token: str) -> None:
    caller.control("PUT", "admins", {"admins": [{"id": "7"}, {"id": "8", "name": None, "email": None}]})
    always = {
        "type": "admin", "away_mode_enabled": False, "away_mode_reassign": False, "has_inbox_seat": True,
        "team_ids": [],
    }  # fmt: skip
    assert caller.admins(token) == [
        {"id": "7", **always},
        {"id": "8", "name": None, "email": None, **always},
    ]


def test_fields_that_are_not_documented_are_kept(caller: Caller, token: str) -> None:
    caller.control("PUT", "admins", {"admins": [{"id": "7", "staff_number": "K-1"}]})
    assert caller.admins(token)[0]["staff_number"] == "K-1"


def test_the_list_that_control_gives_can_be_put_again(caller: Caller, token: str) -> None:
    before = caller.admins(token, "?display_avatar=true")
    given = caller.control("GET", "admins")
    caller.control("PUT", "admins", {"admins": []})
    assert caller.admins(token) == []
    caller.control("PUT", "admins", given)
    assert caller.admins(token, "?display_avatar=true") == before


def test_a_teammate_is_changed_in_place(caller: Caller, token: str) -> None:
    before = caller.admins(token)
    changed = caller.control("PATCH", f"admins/{before[5]['id']}", {"name": "Ann Other", "job_title": None})
    assert changed["name"] == "Ann Other"
    before[5] |= {"name": "Ann Other", "job_title": None}
    assert caller.admins(token) == before
    assert caller.control("GET", f"admins/{before[5]['id']}")["avatar"]


def test_a_teammate_leaves_and_is_invited_again(caller: Caller, token: str) -> None:
    leaver = caller.admins(token)[3]
    caller.control("DELETE", f"admins/{leaver['id']}")
    assert leaver not in caller.admins(token)
    assert caller.get(f"/admins/{leaver['id']}", token).status_code == 404
    again = caller.control("POST", "admins", leaver | {"id": "991300000"})
    assert again["id"] == "991300000"
    assert caller.admins(token)[-1] == leaver | {"id": "991300000"}


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_as_many_are_generated_as_were_asked_for(caller: Caller, token: str, count: int) -> None:
    assert caller.control("POST", "generate", {"count": count, "seed": 3}) == {"count": count}
    first = caller.admins(token)
    assert len({admin["id"] for admin in first}) == len(first) == count
    assert len({admin["email"].lower() for admin in first}) == count
    caller.control("POST", "generate", {"count": count, "seed": 3})
    assert caller.admins(token) == first


def test_reset_brings_everything_back_and_keeps_tokens(caller: Caller, token: str) -> None:
    before, me = caller.admins(token), caller.get("/me", token).json()
    caller.control("PUT", "admins", {"admins": []})
    caller.control("PATCH", "workspace", {"id_code": "other1", "name": "Other"})
    caller.control("POST", "clock", {"advance": 1000})
    caller.control("POST", "rate-limit", {"limit": 0})
    caller.fault(path="/*", kind="drop-connection")
    caller.control("POST", "reset")
    assert caller.asked() == []
    assert caller.admins(token) == before
    assert caller.get("/me", token).json() == me
    assert caller.control("GET", "faults") == {"faults": []}
    assert caller.exchange(caller.consent()["code"]).status_code == 200


def test_the_workspace_can_become_another(caller: Caller, token: str) -> None:
    caller.control("PATCH", "workspace", {"id_code": "other1", "name": "Other Workspace"})
    app = caller.get("/me", token).json()["app"]
    assert (app["id_code"], app["name"], app["region"]) == ("other1", "Other Workspace", "US")
    assert caller.control("GET", "workspace") == app
    query = {"client_id": "rollcall-sandbox", "redirect_uri": "http://127.0.0.1/x"}
    assert "Other Workspace" in caller.call("GET", "/oauth", params=query).text


def test_the_guide_names_every_control(caller: Caller) -> None:
    guide = " ".join(caller.call("GET", "/control").json()["calls"])
    for path in (
        *(
            "/control/admins",
            "/control/admins/{id}",
            "/control/generate",
            "/control/reset",
            "/control/faults",
        ),
        *("/control/requests", "/control/clock", "/control/rate-limit", "/control/workspace"),
    ):
        assert path in guide


# ------------------------------------------------------------------ wrong orders
@pytest.mark.parametrize(
    ("method", "path", "order", "named"),
    [
        ("PUT", "admins", {}, "admins"),
        ("PUT", "admins", {"admins": {}}, "admins"),
        ("PUT", "admins", {"admins": [{"id": "1"}, 5]}, "admins[1]"),
        ("PUT", "admins", {"admins": [{"id": "1"}, {"name": "No ID"}]}, "admins[1]"),
        ("PUT", "admins", {"admins": [{"id": 5}]}, "$.id"),
        ("PUT", "admins", {"admins": [{"id": "abc"}]}, "$.id"),
        ("PUT", "admins", {"admins": [{"id": "5", "name": 7}]}, "$.name"),
        ("PUT", "admins", {"admins": [{"id": "5", "team_ids": ["a"]}]}, "$.team_ids"),
        ("PUT", "admins", {"admins": [{"id": "5", "role": "boss"}]}, "$.role"),
        ("PUT", "admins", {"admins": [{"id": "5"}, {"id": "6"}, {"id": "5"}]}, "admins[2] has the id 5 of another one"),
        ("POST", "admins", {"id": OWNER}, f"there is an admin {OWNER} already"),
        ("POST", "admins", {"name": "No ID"}, "id"),
        ("PATCH", f"admins/{OWNER}", {"id": "7"}, "an id cannot be changed"),
        ("PATCH", f"admins/{OWNER}", {"has_inbox_seat": "yes"}, "$.has_inbox_seat"),
        ("POST", "generate", {}, "count must be a number"),
        ("POST", "generate", {"count": -1}, "count must be a number"),
        ("POST", "generate", {"count": 10**9}, "count must be a number"),
        ("POST", "generate", {"count": 5, "seed": "x"}, "seed must be a number"),
        ("PATCH", "workspace", {"id": "x"}, "id"),
        ("PATCH", "workspace", {"id_code": ""}, "$.id_code"),
        ("POST", "clock", {}, "advance must be a number"),
    ],
)  # fmt: skip
def test_a_wrong_order_changes_nothing_and_says_what_is_wrong(
    caller: Caller, token: str, method: str, path: str, order: Any, named: str
) -> None:
    before = caller.admins(token)
    answer = caller.call(method, f"/control/{path}", json=order)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert caller.admins(token) == before


@pytest.mark.parametrize("path", ["admins", "faults", "generate", "clock", "rate-limit"])
@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff\xfe", b'{"a": "\xff"}', b'{"admins": [{"id": "\xff"}]}']
)
def test_a_body_that_is_no_json_object_is_refused(caller: Caller, path: str, body: bytes) -> None:
    answer = caller.call("POST" if path != "admins" else "PUT", f"/control/{path}", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "admins/1"), ("PATCH", "admins/1"), ("DELETE", "admins/1"), ("GET", "x"), ("POST", "requests")],
)
def test_what_is_not_there_is_a_404_with_a_sentence(caller: Caller, method: str, path: str) -> None:
    answer = caller.call(method, f"/control/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("there is no ")


def test_a_page_of_another_site_cannot_give_orders(caller: Caller, token: str) -> None:
    before = caller.admins(token)
    headers = {"Origin": "https://evil.example"}
    assert caller.call("PUT", "/control/admins", json={"admins": []}, headers=headers).status_code == 403
    assert caller.call("POST", "/control/reset", headers={"Origin": "null"}).status_code == 403
    assert caller.admins(token) == before


@pytest.mark.parametrize("path", ["admins", "faults"])
def test_json_nested_too_deep_is_a_bad_order(caller: Caller, path: str) -> None:
    body = (
        b'{"admins": [{"id": "7", "custom": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
    )  # newer Pythons take 2,000
    answer = caller.call("PUT" if path == "admins" else "POST", f"/control/{path}", content=body)
    assert answer.status_code == 400
    assert "error" in answer.json()
