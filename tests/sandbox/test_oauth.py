"""Consent, code, token and uninstall, as an app's server sees them."""

from __future__ import annotations

import base64

import pytest

from tests.sandbox.caller import CLIENT, RETURN, Caller, problem_of


def test_allowing_sends_the_browser_back_with_a_code_and_the_state(caller: Caller) -> None:
    back = caller.consent(state="s t/a+te=")
    assert back.keys() == {"code", "state"}
    assert back["state"] == "s t/a+te="
    assert back["code"].endswith("=")


def test_denying_sends_the_browser_back_with_access_denied_and_the_state(caller: Caller) -> None:
    assert caller.consent("deny", state="abc") == {"error": "access_denied", "state": "abc"}


def test_no_state_is_sent_back_when_none_was_given(caller: Caller) -> None:
    assert caller.consent().keys() == {"code"}


def test_the_query_of_the_return_address_is_kept(caller: Caller) -> None:
    assert caller.consent("deny", redirect_uri=f"{RETURN}?from=here")["from"] == "here"


def test_a_code_is_exchanged_for_the_three_documented_fields(caller: Caller) -> None:
    answer = caller.exchange(caller.consent()["code"])
    assert answer.status_code == 200
    content = answer.json()
    assert content == {
        "token_type": "Bearer",
        "token": content["access_token"],
        "access_token": content["access_token"],
    }
    assert caller.get("/me", content["access_token"]).status_code == 200


def test_a_used_code_is_refused_and_the_first_token_stays_good(caller: Caller) -> None:
    code = caller.consent()["code"]
    token = caller.exchange(code).json()["access_token"]
    assert problem_of(caller.exchange(code)) == (401, "unauthorized", "Unauthorized Code")
    assert caller.get("/me", token).status_code == 200


def test_a_code_lives_five_minutes(caller: Caller) -> None:
    young, old = caller.consent()["code"], caller.consent()["code"]
    caller.control("POST", "clock", {"advance": 290})
    assert caller.exchange(young).status_code == 200
    caller.control("POST", "clock", {"advance": 11})
    assert problem_of(caller.exchange(old)) == (401, "unauthorized", "Unauthorized Code")


def test_an_unknown_code_is_refused(caller: Caller) -> None:
    assert problem_of(caller.exchange("bm90IG9uZQ==")) == (401, "unauthorized", "Unauthorized Code")


@pytest.mark.parametrize("wrong", [{"client_id": "other"}, {"client_secret": "other"}, {"client_secret": ""}])
def test_a_wrong_client_is_refused_and_does_not_use_the_code_up(
    caller: Caller, wrong: dict[str, str]
) -> None:
    code = caller.consent()["code"]
    assert problem_of(caller.exchange(code, **wrong))[0] == 401
    assert caller.exchange(code).status_code == 200


def test_the_parameters_of_the_exchange_count_in_the_form_body_only(caller: Caller) -> None:
    given = {"code": caller.consent()["code"]} | CLIENT
    assert caller.call("POST", "/auth/eagle/token", params=given).status_code == 401
    assert caller.call("POST", "/auth/eagle/token", json=given).status_code == 401
    assert caller.call("POST", "/auth/eagle/token", data=given).status_code == 200


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_id": "somebody"}, "There is no app with this client ID."),
        ({"redirect_uri": ""}, "The redirect URL is not one that is registered for this app."),
        ({"redirect_uri": "http://rollcall.example/back"}, "The redirect URL is not one"),
        ({"redirect_uri": "javascript:alert(1)"}, "The redirect URL is not one"),
        ({"redirect_uri": "http://127.0.0.1:8000@evil.example/"}, "The redirect URL is not one"),
        ({"redirect_uri": "https://evil.example;script-src/x"}, "The redirect URL is not one"),
        ({"redirect_uri": "http://127.0.0.1:port/"}, "The redirect URL is not one"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_cannot_be_sent_back_gets_a_page_and_no_redirect(
    caller: Caller, method: str, changes: dict[str, str], sentence: str
) -> None:
    given = {"client_id": CLIENT["client_id"], "redirect_uri": RETURN, "decision": "allow"} | changes
    answer = caller.call(method, "/oauth", **{"params" if method == "GET" else "data": given})
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert sentence in answer.text
    assert "form-action 'self';" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "address", ["http://localhost:8000/x", "http://[::1]:8000/x", "https://rollcall.example/x"]
)
def test_addresses_on_this_machine_and_https_ones_are_returned_to(caller: Caller, address: str) -> None:
    answer = caller.call(
        "POST",
        "/oauth",
        data={"client_id": CLIENT["client_id"], "redirect_uri": address, "decision": "deny"},
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{address}?error=access_denied"


def test_a_page_of_another_site_cannot_consent_for_the_person(caller: Caller) -> None:
    form = {"client_id": CLIENT["client_id"], "redirect_uri": RETURN, "decision": "allow"}
    assert (
        caller.call("POST", "/oauth", data=form, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )
    own = {"Origin": caller.sandbox.url}
    assert caller.call("POST", "/oauth", data=form, headers=own).status_code == 303


def test_uninstalling_ends_every_token_of_the_app(caller: Caller) -> None:
    first, second = caller.token(), caller.token()
    headers = {"Authorization": f"Bearer {first}", "Accept": "application/json"}
    answer = caller.call("POST", "/auth/uninstall", headers=headers)
    assert answer.status_code == 200
    assert "X-RateLimit-Remaining" in answer.headers
    for token in (first, second):
        assert problem_of(caller.get("/me", token)) == (401, "unauthorized", "Access Token Invalid")
    assert caller.call("POST", "/auth/uninstall", headers=headers).status_code == 401


def test_a_second_consent_gives_another_token_beside_the_first(caller: Caller) -> None:
    first, second = caller.token(), caller.token()
    assert first != second
    assert caller.get("/me", first).status_code == caller.get("/me", second).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nonsense", "Basic {token}", "{token}"])
@pytest.mark.parametrize("path", ["/me", "/admins", "/admins/991267400", "/nothing"])
def test_without_a_good_token_there_is_a_401_without_rate_headers(
    caller: Caller, token: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=token)}
    answer = caller.call("GET", path, headers=headers)
    assert problem_of(answer) == (401, "unauthorized", "Access Token Invalid")
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_codes_decode_like_intercoms(caller: Caller) -> None:
    base64.urlsafe_b64decode(caller.consent()["code"])
