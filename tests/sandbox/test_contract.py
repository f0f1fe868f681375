"""Every answer fits Intercom's official description, and our own of the fields that the product relies on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from sandbox.intercom.records import VERSIONS
from tests.sandbox.caller import CLIENT, Caller
from tests.sandbox.official import described_in, official

OURS: dict[str, Any] = json.loads((Path(__file__).parent / "schema" / "intercom.json").read_text())
OWNER = "991267400"

# The one place where the sandbox goes beyond the description: it says that a title is text, real answers hold null.
NULL_TITLE = re.compile(r"\$(\.admins\[\d+\])?\.job_title: None (for not nullable|is not of type 'string')")


@dataclass(frozen=True)
class Case:
    """An answer to check: how to get it, which it is in the description, and which schema of ours it has."""

    path: str
    status: int
    ours: str
    ask: Callable[[Caller, str], httpx.Response]
    method: str = "GET"


def get(path: str, version: str | None, caller: Caller, token: str) -> httpx.Response:
    return caller.get(path, token, version)


def refused(path: str, token: str, caller: Caller, _token: str) -> httpx.Response:
    return caller.get(path, token)


def revoked(path: str, caller: Caller, token: str) -> httpx.Response:
    caller.fault(path=path, kind="revoke")
    return caller.get(path, token)


def limited(path: str, caller: Caller, token: str) -> httpx.Response:
    caller.control("POST", "rate-limit", {"limit": 0})
    return caller.get(path, token)


def faulty(path: str, status: int, caller: Caller, token: str) -> httpx.Response:
    caller.fault(path=path, kind="status", status=status)
    return caller.get(path, token)


def picky(path: str, caller: Caller, token: str) -> httpx.Response:
    return caller.get(path, token, Accept="text/html")


def posted(path: str, form: dict[str, str], caller: Caller, token: str) -> httpx.Response:
    return caller.call("POST", path, data=form, headers={"Authorization": f"Bearer {token}"})


PATHS = {
    "/me": ("/me", "admin_with_app"),
    "/admins": ("/admins", "admin_list"),
    f"/admins/{OWNER}": ("/admins/{admin_id}", "admin"),
}
EDGES = ("1.0", "2.0", "2.9", "2.13", "2.14", "2.15", "2.16")  # versions beside which something changes
STATUSES = (400, 401, 403, 404, 406, 408, 409, 418, 429, 500, 502, 503, 504)


def cases() -> dict[str, Case]:
    made: dict[str, Case] = {}
    for asked, (path, schema) in PATHS.items():
        for version in (None, *EDGES):
            made[f"{path} {version}"] = Case(path, 200, schema, partial(get, asked, version))
        made[f"{path} wrong token"] = Case(path, 401, "error", partial(refused, asked, "nonsense"))
        made[f"{path} revoked"] = Case(path, 401, "error", partial(revoked, asked))
        made[f"{path} limited"] = Case(path, 429, "error", partial(limited, asked))
        made[f"{path} wrong version"] = Case(path, 400, "error", partial(get, asked, "9.9"))
        made[f"{path} wrong Accept"] = Case(path, 406, "error", partial(picky, asked))
        for status in STATUSES:
            made[f"{path} fault {status}"] = Case(path, status, "error", partial(faulty, asked, status))
    listed = partial(get, "/admins?display_avatar=true", "2.16")
    made["/admins with avatars"] = Case("/admins", 200, "admin_list", listed)
    made["/admins/{admin_id} unknown"] = Case(
        "/admins/{admin_id}", 404, "error", partial(get, "/admins/1", None)
    )
    made["no such resource"] = Case("/nothing", 404, "error", partial(get, "/nothing", None))
    made["wrong method"] = Case("/admins", 404, "error", partial(posted, "/admins", {}), "POST")
    for name, form in {"code": CLIENT | {"code": "x="}, "client": {"client_id": "x"}, "form": {}}.items():
        ask = partial(posted, "/auth/eagle/token", form)
        made[f"exchange with a wrong {name}"] = Case("/auth/eagle/token", 401, "error", ask, "POST")
    return made


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_every_answer_fits_the_official_description(caller: Caller, token: str, name: str) -> None:
    description, case = official(), CASES[name]
    answer = case.ask(caller, token)
    assert answer.status_code == case.status
    assert answer.headers["Content-Type"].startswith("application/json")
    schema = description.of_answer(case.method, case.path, case.status)
    problems = description.problems(schema, answer.json())
    assert [problem for problem in problems if not NULL_TITLE.fullmatch(problem)] == []


@pytest.mark.parametrize("name", CASES)
def test_every_answer_fits_our_own_schema(caller: Caller, token: str, name: str) -> None:
    case = CASES[name]
    answer = case.ask(caller, token)
    assert answer.status_code == case.status
    assert ours(case.ours, answer.json()) == []


def test_the_token_answer_fits_our_own_schema(caller: Caller) -> None:
    answer = caller.exchange(caller.consent()["code"])
    assert answer.status_code == 200
    assert ours("token", answer.json()) == []


def test_every_default_teammate_alone_fits_both(caller: Caller, token: str) -> None:
    description = official()
    null_titles = []
    for admin in caller.admins(token, "?display_avatar=true"):
        assert ours("admin", admin) == []
        problems = description.problems(description.schema("admin"), admin)
        assert [problem for problem in problems if not NULL_TITLE.fullmatch(problem)] == []
        null_titles += [admin["job_title"]] if problems else []
    assert null_titles == [None]


def test_our_own_schema_knows_only_what_is_described() -> None:
    description = official()
    for name in ("admin", "admin_list", "admin_with_app", "error"):
        assert OURS["$defs"][name]["properties"].keys() <= description.schema(name)["properties"].keys()


def test_the_versions_are_the_described_ones(caller: Caller, token: str) -> None:
    assert list(VERSIONS) == official().schema("intercom_version")["enum"]
    assert {caller.get("/me", token, version).status_code for version in VERSIONS} == {200}


# ------------------------------------------------------------------ the check itself
@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ("admin", {"type": "admin", "id": 5}),
        ("admin", {"type": "admin", "id": "5", "name": None}),
        ("admin_list", {"type": "admin.list", "admins": [{"team_ids": ["a"]}]}),
        ("admin_with_app", {"type": "admin", "id": "5", "app": {"id_code": 7}}),
        ("error", {"type": "error.list"}),
        ("error", {"type": "error.list", "errors": [{"message": "no code"}]}),
        ("error", {"type": "error.list", "request_id": "no uuid", "errors": []}),
    ],
)
def test_a_wrong_answer_would_be_found(schema: str, wrong: dict[str, Any]) -> None:
    assert ours(schema, wrong)
    description = official()
    assert description.problems(description.schema(schema), wrong)


def test_without_the_description_the_check_is_skipped_but_never_in_ci(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="OPENAPI_DIR is not set"):
        described_in({})
    with pytest.raises(pytest.fail.Exception, match="set OPENAPI_DIR"):
        described_in({"CI": "true"})
    with pytest.raises(pytest.fail.Exception, match="holds no intercom-openapi"):
        described_in({"OPENAPI_DIR": str(tmp_path)})


def ours(name: str, answer: object) -> list[str]:
    """Where ``answer`` does not fit our own schema of that name."""
    schema = {"$ref": f"#/$defs/{name}", "$defs": OURS["$defs"]}
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer)]
