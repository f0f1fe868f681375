"""The consent page, in a real browser."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.axe import violations
from tests.sandbox.caller import Caller


def open_consent(page: Page, caller: Caller) -> str:
    """Open it as an app of another origin would; that app's address."""
    back = f"http://localhost:{caller.sandbox.port}/healthz"  # another origin to the browser, and it answers
    query = {"client_id": "rollcall-sandbox", "redirect_uri": back, "state": "st/a te"}
    page.goto(f"{caller.sandbox.url}/oauth?{httpx.QueryParams(query)}")
    return back


def test_allow_leads_back_with_a_code_that_works(page: Page, caller: Caller) -> None:
    back = open_consent(page, caller)
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url(re.compile(re.escape(back)))
    given = httpx.URL(page.url).params
    assert given["state"] == "st/a te"
    assert caller.exchange(given["code"]).status_code == 200


def test_deny_leads_back_without_one(page: Page, caller: Caller) -> None:
    back = open_consent(page, caller)
    page.get_by_role("button", name="Deny", exact=True).click()
    page.wait_for_url(re.compile(re.escape(back)))
    assert dict(httpx.URL(page.url).params) == {"error": "access_denied", "state": "st/a te"}


def test_it_says_who_asks_for_what_and_that_it_is_a_stand_in(page: Page, caller: Caller) -> None:
    open_consent(page, caller)
    expect(page).to_have_title("Allow Rollcall to read the workspace Kestrel Outdoor? – sandbox of Intercom")
    main = page.get_by_role("main")
    for said in (
        "Rosalind Achebe",
        f"localhost:{caller.sandbox.port}",
        "local stand-in",
        "not the real Intercom",
    ):
        expect(main).to_contain_text(said)


@pytest.mark.parametrize("width", [1440, 360])
def test_it_is_accessible_and_keeps_its_own_policy(browser: Browser, caller: Caller, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        bypass_csp=False,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    open_consent(page, caller)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("getComputedStyle(document.querySelector('form')).display") == "flex"
    assert complaints == []
    assert violations(page) == []
    page.goto(f"{caller.sandbox.url}/oauth?client_id=other")
    expect(page.get_by_role("heading")).to_have_text("This cannot be allowed")
    assert violations(page) == []
    context.close()


def test_what_an_app_sends_is_shown_as_text(caller: Caller) -> None:
    query = {
        "client_id": "rollcall-sandbox",
        "redirect_uri": "http://127.0.0.1/?a=%22%3E<b>",
        "state": '"><script>alert(1)</script>',
    }
    answer = caller.call("GET", "/oauth", params=query)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "<b>" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; ")
    assert "form-action 'self' http://127.0.0.1;" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
