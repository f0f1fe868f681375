"""Connecting a Zendesk account: subdomain, consent with PKCE, refusals, disconnecting."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import pytest
import sqlalchemy as sa

from tests.zendesk.conftest import PAGE, Desk
from webapp.core.models import Integration, db
from webapp.platforms.zendesk import oauth as zendesk_oauth
from webapp.platforms.zendesk.subdomain import NotASubdomain, subdomain_of

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_pasted_address_connects_the_account_it_names(desk: Desk) -> None:
    desk.connect("https://Kestrel.zendesk.com/agent/dashboard")
    integration = desk.integration()
    assert (integration.connection, integration.site) == ("connected", "kestrel")
    assert integration.remote_account_name == "kestrel.zendesk.com"
    page = desk.admin.get(PAGE).text
    assert "Rosalind Achebe" in page
    assert "kestrel" in page


@pytest.mark.parametrize(
    "given",
    [
        "evil.example/#", "evil.example?", "x@evil", "a.b", "acme\n", "127.0.0.1:80/", "https://acme.zendesk.com:444",
        "https://me@acme.zendesk.com", "https://acme.zendesk.com.evil.example", "//evil.example/acme.zendesk.com",
        "https://acme.zendesk.com\\@evil.example", "acme\x00", "-acme", "acme-", "аcme", "a" * 64, "", "   ",
    ],
)  # fmt: skip
def test_attack_15_what_is_not_a_subdomain_is_refused(given: str) -> None:
    with pytest.raises(NotASubdomain):
        subdomain_of(given)


@once
def test_a_wrong_subdomain_comes_back_with_what_was_typed(desk: Desk) -> None:
    answer = desk.admin.post(f"{PAGE}/connect", {"site": "support.acme.com"})
    assert answer.status_code == 422
    assert "support.acme.com" in answer.text
    assert "address of your own help centre does not work here" in answer.text.replace("\n", " ")


@once
def test_the_round_proves_a_secret_that_is_another_each_time(desk: Desk) -> None:
    first, second = (parse_qs(urlsplit(desk.begin()).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert first["scope"] == ["users:read"]
    assert first["code_challenge"] != second["code_challenge"]


@once
def test_a_code_is_worth_nothing_in_another_round(desk: Desk) -> None:
    first, second = desk.begin(), desk.begin()
    code = parse_qs(urlsplit(desk.consent(first)).query)["code"][0]
    state = parse_qs(urlsplit(second).query)["state"][0]
    answer = desk.admin.get(
        f"/integrations/zendesk/callback?code={code}&state={state}", follow_redirects=True
    )
    assert "did not accept the confirmation" in answer.text


@once
@pytest.mark.parametrize("granted", ["tickets:read", "write", "users:write tickets:read"])
def test_o08_a_token_that_may_not_read_users_is_given_back_and_it_says_what_to_allow(
    desk: Desk, caplog: pytest.LogCaptureFixture, granted: str
) -> None:
    back = desk.consent(desk.begin().replace("users%3Aread", quote(granted)))
    desk.zendesk.control("DELETE", "requests")
    answer = desk.admin.get(back, follow_redirects=True)
    assert "did not grant the scope users:read" in answer.text
    assert "OAuth clients and allow the client users:read" in answer.text
    asked = desk.zendesk.control("GET", "requests")["requests"]  # type: ignore[index]
    assert [(one["method"], one["path"].rpartition("/")[2]) for one in asked] == [
        ("POST", "tokens"),
        ("DELETE", "current.json"),
    ]
    assert f"granted {' '.join(sorted(granted.split()))} in place of users:read" in caplog.text
    with desk.app.app_context():
        assert db.session.scalars(sa.select(Integration)).all() == []


@once
@pytest.mark.parametrize("granted", ["read", "users:read write"])
def test_o08_more_than_was_asked_for_is_written_down(
    desk: Desk, caplog: pytest.LogCaptureFixture, granted: str
) -> None:
    back = desk.consent(desk.begin().replace("users%3Aread", quote(granted)))
    assert "is connected" in desk.admin.get(back, follow_redirects=True).text
    assert f"granted more than was asked for: {granted}" in caplog.text


@once
def test_o08_a_client_that_may_not_ask_for_the_scope_says_what_to_allow(desk: Desk) -> None:
    desk.fault(path="/oauth/tokens", kind="status", status=400, code="invalid_scope", times=1)
    page = desk.admin.get(desk.consent(desk.begin()), follow_redirects=True).text
    assert "did not grant the scope users:read" in page
    state = parse_qs(urlsplit(desk.begin()).query)["state"][0]
    sent_back = f"/integrations/zendesk/callback?error=invalid_scope&state={state}"
    page = desk.admin.get(sent_back, follow_redirects=True).text
    assert "does not let this server’s client ask for users:read" in page


@once
def test_o08_an_answer_that_names_no_scope_means_the_one_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = zendesk_oauth._content
    monkeypatch.setattr(
        zendesk_oauth, "_content", lambda answer: {k: v for k, v in answered(answer).items() if k != "scope"}
    )
    desk.connect()


@once
def test_denying_leads_back_without_a_connection(desk: Desk) -> None:
    answer = desk.admin.get(desk.consent(desk.begin(), "deny"), follow_redirects=True)
    assert "access was denied there" in answer.text


@once
def test_an_unknown_account_is_not_there(desk: Desk) -> None:
    address = desk.begin("nobody-has-this")
    back = address.replace("/nobody-has-this/", "/kestrel/")
    state = parse_qs(urlsplit(address).query)["state"][0]
    code = parse_qs(urlsplit(desk.consent(back)).query)["code"][0]
    answer = desk.admin.get(
        f"/integrations/zendesk/callback?code={code}&state={state}", follow_redirects=True
    )
    assert "is connected" not in answer.text
    assert "Nothing was changed" in answer.text or "did not accept" in answer.text


def test_another_account_is_never_swapped_in_silently(desk: Desk) -> None:
    desk.connect("kestrel")
    answer = desk.admin.get(desk.consent(desk.begin("harbour")), follow_redirects=True)
    assert "You connected another account" in answer.text
    assert desk.integration().site == "kestrel"


def test_disconnecting_ends_the_token_there_and_here(desk: Desk) -> None:
    desk.connect()
    desk.zendesk.control("DELETE", "requests")
    answer = desk.admin.post(f"{PAGE}/disconnect", follow_redirects=True)
    assert "our access there is revoked" in answer.text
    asked = desk.zendesk.control("GET", "requests")
    assert [(one["method"], one["path"]) for one in asked["requests"]] == [  # type: ignore[index]
        ("DELETE", "/kestrel/api/v2/oauth/tokens/current.json")
    ]
    assert desk.integration().credentials is None
