"""``/me``, ``/admins`` and ``/admins/{id}``."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.caller import Caller, problem_of

OWNER = "991267400"
WITH_STATUS_REASON = "991267472"


def test_me_is_the_admin_who_allowed_the_app_with_the_workspace(caller: Caller, token: str) -> None:
    me = caller.get("/me", token).json()
    assert (me["type"], me["id"], me["email_verified"]) == ("admin", OWNER, True)
    assert me["email"] == "rosalind.achebe@kestrel.example"
    assert (me["app"]["type"], me["app"]["region"]) == ("app", "US")
    assert me["app"]["id_code"]
    assert me["avatar"]["type"] == "avatar"
    assert "role" not in me


def test_me_follows_a_rename_and_outlives_the_list(caller: Caller, token: str) -> None:
    caller.control("PATCH", f"admins/{OWNER}", {"name": "Rosalind Adeyemi"})
    assert caller.get("/me", token).json()["name"] == "Rosalind Adeyemi"
    caller.control("PUT", "admins", {"admins": []})
    assert caller.get("/me", token).json()["id"] == OWNER
    assert caller.admins(token) == []


def test_an_admin_alone_is_the_object_of_the_list(caller: Caller, token: str) -> None:
    for admin in caller.admins(token)[:20]:
        assert caller.get(f"/admins/{admin['id']}", token).json() == admin


@pytest.mark.parametrize("admin_id", ["1", "0", "abc", "9" * 30, "%20", "%F0%9F%92%A9"])
def test_an_unknown_admin_is_a_404_with_its_own_code(caller: Caller, token: str, admin_id: str) -> None:
    answer = caller.get(f"/admins/{admin_id}", token)
    assert problem_of(answer) == (404, "admin_not_found", "Admin not found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/contacts"),
        ("POST", "/admins"),
        ("DELETE", "/admins/991267400"),
        ("PUT", "/me"),
        ("GET", "/admins/1/away"),
    ],
)
def test_other_resources_and_methods_are_not_found(
    caller: Caller, token: str, method: str, path: str
) -> None:
    answer = caller.call(method, path, headers={"Authorization": f"Bearer {token}"})
    assert problem_of(answer)[:2] == (404, "not_found")
    assert "X-RateLimit-Limit" in answer.headers


def test_avatars_come_only_when_asked_for(caller: Caller, token: str) -> None:
    assert not [admin for admin in caller.admins(token) if "avatar" in admin]
    assert not [admin for admin in caller.admins(token, "?display_avatar=false") if "avatar" in admin]
    shown = caller.admins(token, "?display_avatar=true")
    with_avatar = [admin for admin in shown if "avatar" in admin]
    assert len(with_avatar) > 190
    assert [{**admin, "avatar": None} for admin in shown] == [
        {**admin, "avatar": None} for admin in caller.admins(token)
    ]


# ------------------------------------------------------------------ versions
@pytest.mark.parametrize(
    ("version", "role", "reason"),
    [
        ("2.16", True, True),
        ("2.15", False, True),
        ("2.14", False, True),
        ("2.13", False, False),
        ("2.9", False, False),
        ("1.4", False, False),
    ],
)
def test_fields_appear_with_the_version_that_brought_them(
    caller: Caller, token: str, version: str, role: bool, reason: bool
) -> None:
    for admin in (
        next(one for one in caller.admins(token, version=version) if one["id"] == WITH_STATUS_REASON),
        caller.get(f"/admins/{WITH_STATUS_REASON}", token, version).json(),
    ):
        assert ("role" in admin) is role
        assert admin.get("away_status_reason_id") == (7 if reason else None)
        assert ("away_status_reason_id" in admin) is reason


def test_without_a_version_the_newest_applies(caller: Caller, token: str) -> None:
    assert caller.get("/admins", token, None).json() == caller.get("/admins", token, "2.16").json()


@pytest.mark.parametrize("version", ["2.17", "0.9", "latest", "2", "2.016"])
@pytest.mark.parametrize("path", ["/me", "/admins", "/admins/991267400"])
def test_an_unknown_version_is_refused(caller: Caller, token: str, path: str, version: str) -> None:
    answer = caller.get(path, token, version)
    assert problem_of(answer) == (
        400,
        "intercom_version_invalid",
        "Requested resource is not available in current API version.",
    )


# ------------------------------------------------------------------ manners
def test_a_client_that_takes_no_json_gets_a_406(caller: Caller, token: str) -> None:
    assert problem_of(caller.get("/me", token, Accept="text/html"))[0] == 406
    assert caller.get("/me", token, Accept="*/*").status_code == 200


def test_the_scheme_of_the_token_may_be_in_any_case(caller: Caller, token: str) -> None:
    assert caller.get("/me", token, Authorization=f"bearer {token}").status_code == 200


def test_every_error_has_a_request_id_of_its_own(caller: Caller, token: str) -> None:
    answers: list[httpx.Response] = [caller.get("/admins/1", token) for _ in range(2)]
    assert len({answer.json()["request_id"] for answer in answers}) == 2
