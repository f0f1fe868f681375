"""What the sandbox notes of the requests it got, and what it never notes."""

from __future__ import annotations

import json

from tests.sandbox.caller import CLIENT, RETURN, Caller


def test_requests_are_noted_newest_last(caller: Caller, token: str) -> None:
    caller.control("DELETE", "requests")
    caller.get("/me", token, "2.15")
    caller.get("/admins?display_avatar=true", token, None)
    caller.call("POST", "/admins/5")
    first, second, third = caller.asked()
    assert (first["method"], first["path"], first["query"], first["version"]) == ("GET", "/me", "", "2.15")
    assert (second["path"], second["query"], second["version"]) == ("/admins", "display_avatar=true", None)
    assert (third["method"], third["path"]) == ("POST", "/admins/5")
    assert {"authorization", "accept", "intercom-version", "user-agent"} <= set(first["headers"])
    assert "intercom-version" not in second["headers"]
    assert first["at"] <= second["at"] <= third["at"]


def test_the_note_can_be_emptied_and_leaves_the_sandboxs_own_addresses_out(caller: Caller) -> None:
    caller.call("GET", "/healthz")
    caller.call("GET", "/static/consent.css")
    assert caller.asked() == []
    caller.call("GET", "/me")
    assert len(caller.asked()) == 1
    caller.control("DELETE", "requests")
    assert caller.asked() == []


def test_a_request_that_met_a_fault_is_noted(caller: Caller, token: str) -> None:
    caller.control("DELETE", "requests")
    caller.fault(path="/admins", kind="status", status=503, times=1)
    caller.get("/admins", token)
    assert [asked["path"] for asked in caller.asked()] == ["/admins"]


def test_neither_the_note_nor_the_log_holds_a_secret(caller: Caller) -> None:
    state = "state-that-nobody-may-read"
    query = {"client_id": CLIENT["client_id"], "redirect_uri": RETURN, "state": state}
    caller.call("GET", "/oauth", params=query)
    code = caller.consent(state=state)["code"]
    token = caller.exchange(code).json()["access_token"]
    caller.get("/me", token)
    caller.get(f"/admins?access_token={token}&code={code}", token)
    caller.call("POST", f"/auth/eagle/token?client_secret={CLIENT['client_secret']}")
    noted, log = json.dumps(caller.asked()), caller.sandbox.program.said()
    assert "/auth/eagle/token" in noted
    assert "/auth/eagle/token" in log
    for secret in (state, code, code.rstrip("="), token, CLIENT["client_secret"]):
        assert secret not in noted
        assert secret not in log


def test_tokens_and_codes_are_not_on_the_disk_either(caller: Caller, token: str) -> None:
    code = caller.consent()["code"]
    folder = caller.sandbox.program.log.parent
    kept = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"rosalind.achebe@kestrel.example" in kept
    assert token.encode() not in kept
    assert code.encode() not in kept
