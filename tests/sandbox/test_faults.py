"""Each kind of fault, as a real HTTP client sees it over the socket."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
import requests

from sandbox.faults import KINDS, MEANINGS
from tests.sandbox.caller import RETURN, Caller, problem_of


def test_every_kind_is_explained(caller: Caller) -> None:
    guide = caller.call("GET", "/control").json()
    assert guide["kinds of faults"].keys() == set(KINDS) == MEANINGS.keys()


# ------------------------------------------------------------------ answers
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (408, "request_timeout"),
        (418, "client_error"),
        (500, "server_error"),
        (502, "service_unavailable"),
        (503, "service_unavailable"),
        (504, "service_unavailable"),
    ],
)
def test_status_answers_in_the_platforms_envelope(caller: Caller, token: str, status: int, code: str) -> None:
    caller.fault(path="/admins", kind="status", status=status)
    assert problem_of(caller.get("/admins", token))[:2] == (status, code)


def test_the_code_and_the_message_of_a_status_can_be_chosen(caller: Caller, token: str) -> None:
    caller.fault(
        path="/admins",
        kind="status",
        status=403,
        code="api_plan_restricted",
        message="Active subscription needed.",
    )
    assert problem_of(caller.get("/admins", token)) == (
        403,
        "api_plan_restricted",
        "Active subscription needed.",
    )


@pytest.mark.parametrize("ahead", [0, 100_000])
def test_a_429_says_when_to_come_back_by_the_real_time(caller: Caller, token: str, ahead: int) -> None:
    caller.control("POST", "clock", {"advance": ahead})
    caller.fault(path="/admins", kind="status", status=429, times=2, retry_after=7)
    before = time.time()
    answer = caller.get("/admins", token)
    after = time.time()
    assert problem_of(answer)[:2] == (429, "rate_limit_exceeded")
    assert before + 7 <= int(answer.headers["X-RateLimit-Reset"]) < after + 8
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert caller.get("/admins", token).status_code == 429
    assert caller.get("/admins", token).status_code == 200


@pytest.mark.parametrize(("order", "status"), [({}, 200), ({"status": 502}, 502)])
def test_html_is_a_page_where_json_is_due(
    caller: Caller, token: str, order: dict[str, Any], status: int
) -> None:
    caller.fault(path="/admins", kind="html", **order)
    answer = caller.get("/admins", token)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")


def test_empty_has_no_body(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="empty")
    answer = caller.get("/admins", token)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("application/json")


def test_wrong_json_is_json_of_another_shape(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="wrong-json")
    answer = caller.get("/admins", token)
    assert answer.status_code == 200
    assert not isinstance(answer.json().get("admins"), list)


def test_redirect_points_elsewhere(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="redirect", times=1)
    answer = caller.get("/admins", token)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(caller.sandbox.url)
    caller.fault(path="/admins", kind="redirect", location="https://elsewhere.example/admins")
    assert caller.get("/admins", token).headers["Location"] == "https://elsewhere.example/admins"


# ------------------------------------------------------------------ broken connections
@pytest.mark.parametrize("path", ["/admins", "/me"], ids=["streamed", "of known length"])
def test_truncate_breaks_off_in_the_middle(caller: Caller, token: str, path: str) -> None:
    caller.fault(path=path, kind="truncate")
    got = bytearray()

    def read_all() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.stream("GET", caller.sandbox.url + path, headers=headers) as answer:
            assert answer.status_code == 200
            for piece in answer.iter_bytes():
                got.extend(piece)

    with pytest.raises(httpx.RemoteProtocolError):
        read_all()
    assert got.startswith(b'{"type":"admin')
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(caller.sandbox.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert "Traceback" not in caller.sandbox.program.said()


def test_drop_connection_ends_without_an_answer(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="drop-connection", times=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        caller.get("/admins", token)
    assert caller.get("/admins", token).status_code == 200


def test_slow_answers_late_but_well(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="slow", seconds=1.5, times=1)
    started = time.monotonic()
    assert len(caller.admins(token)) > 190
    assert time.monotonic() - started >= 1.5


def test_hang_keeps_silent_while_everything_else_answers(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="hang", times=1)
    headers = {"Authorization": f"Bearer {token}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{caller.sandbox.url}/admins", headers=headers, timeout=httpx.Timeout(60, read=1))
    assert caller.get("/me", token).status_code == 200
    assert caller.get("/admins", token).status_code == 200


# ------------------------------------------------------------------ revoke
@pytest.mark.parametrize("path", ["/admins", "/*"])
def test_revoke_ends_every_token_at_once_and_for_every_path(caller: Caller, token: str, path: str) -> None:
    other = caller.token()
    caller.fault(path=path, kind="revoke")
    for _ in range(2):
        for old in (token, other):
            for asked in ("/me", "/admins"):
                assert problem_of(caller.get(asked, old))[0] == 401
    caller.control("DELETE", "faults")
    assert caller.get("/me", token).status_code == 401
    assert caller.get("/admins", caller.token()).status_code == 200


def test_revoke_forgets_codes_too(caller: Caller) -> None:
    code = caller.consent()["code"]
    caller.fault(path="/*", kind="revoke")
    assert caller.exchange(code).status_code == 401


# ------------------------------------------------------------------ where and how often
def test_a_fault_hits_its_path_alone_and_as_often_as_was_said(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="status", status=503, times=2)
    assert caller.get("/me", token).status_code == 200
    assert caller.get("/admins/991267400", token).status_code == 200
    assert [caller.get("/admins?x=1", token).status_code for _ in range(3)] == [503, 503, 200]


def test_without_times_it_stays_until_it_is_deleted(caller: Caller, token: str) -> None:
    caller.fault(path="/admins*", kind="status", status=503)
    assert {caller.get("/admins", token).status_code for _ in range(5)} == {503}
    assert caller.get("/admins/991267400", token).status_code == 503
    caller.control("DELETE", "faults")
    assert caller.get("/admins", token).status_code == 200


def test_faults_happen_in_the_order_in_which_they_were_set(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="status", status=503, times=1)
    caller.fault(path="/admins", kind="status", status=500, times=1)
    assert [fault["status"] for fault in caller.control("GET", "faults")["faults"]] == [503, 500]
    assert [caller.get("/admins", token).status_code for _ in range(3)] == [503, 500, 200]
    assert caller.control("GET", "faults") == {"faults": []}


def test_requests_at_once_use_a_fault_up_as_often_as_was_said(caller: Caller, token: str) -> None:
    caller.fault(path="/me", kind="status", status=503, times=5)
    seen: list[int] = []

    def ask() -> None:
        seen.append(caller.get("/me", token).status_code)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(seen) == [200] * 7 + [503] * 5


@pytest.mark.parametrize("path", ["/auth/eagle/token", "/auth/*", "/*"])
def test_the_token_exchange_can_fail_too(caller: Caller, path: str) -> None:
    code = caller.consent()["code"]
    caller.fault(path=path, kind="status", status=503, times=1)
    assert caller.exchange(code).status_code == 503
    assert caller.exchange(code).status_code == 200


def test_consent_and_uninstall_can_fail_too(caller: Caller, token: str) -> None:
    caller.fault(path="/oauth", kind="html", status=502, times=1)
    query = {"client_id": "rollcall-sandbox", "redirect_uri": RETURN}
    assert caller.call("GET", "/oauth", params=query).status_code == 502
    caller.fault(path="/auth/uninstall", kind="drop-connection", times=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        caller.call("POST", "/auth/uninstall", headers={"Authorization": f"Bearer {token}"})
    assert caller.get("/me", token).status_code == 200


def test_the_sandboxs_own_addresses_never_fail(caller: Caller) -> None:
    caller.fault(path="/*", kind="drop-connection")
    assert caller.call("GET", "/healthz").status_code == 200
    assert caller.call("GET", "/static/consent.css").status_code == 200
    caller.control("DELETE", "faults")


# ------------------------------------------------------------------ wrong orders
@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"kind": "hang"}, "path"),
        ({"path": "/admins"}, "kind"),
        ({"path": "/admins", "kind": "explode"}, "explode"),
        ({"path": "admins", "kind": "hang"}, "path must begin with a slash"),
        ({"path": "/admins", "kind": "status"}, "needs status"),
        ({"path": "/admins", "kind": "status", "status": 99}, "status must be from 200 to 599"),
        ({"path": "/admins", "kind": "status", "status": "503"}, "$.status"),
        ({"path": "/admins", "kind": "hang", "times": 0}, "times must be 1 or more"),
        ({"path": "/admins", "kind": "slow"}, "needs seconds"),
        ({"path": "/admins", "kind": "slow", "seconds": -1}, "seconds"),
        ({"path": "/admins", "kind": "status", "status": 429, "retry_after": -1}, "retry_after"),
        ({"path": "/admins", "kind": "redirect", "location": "http://x\nSet-Cookie: a=b"}, "location"),
        ({"path": "/admins", "kind": "hang", "tims": 2}, "tims"),
    ],
)
def test_a_wrong_order_is_refused_with_what_is_wrong(
    caller: Caller, order: dict[str, Any], named: str
) -> None:
    answer = caller.call("POST", "/control/faults", json=order)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert caller.control("GET", "faults") == {"faults": []}
