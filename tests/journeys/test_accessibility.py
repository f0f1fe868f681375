"""No axe violation on any page, in the light and in the dark."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.journeys.pages import (
    Person,
    connect_intercom,
    control,
    enable_user_sync,
    run_through,
    signed_in,
)
from tests.servers.stack import Stack

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SYNC = "/c/demo/integrations/platforms/intercom/user-sync"


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is now, one line each."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.fixture(scope="module")
def ready(browser: Browser, stack: Stack) -> Iterator[dict[str, str]]:
    """A contract in which there is something on every page; addresses by what they show."""
    with signed_in(browser, stack, "admin") as admin:
        admin.open("/c/demo/integrations/platforms")
        assert violations(admin.page) == []
        connect_intercom(admin)
        admin.open(SYNC)
        assert violations(admin.page) == []
        enable_user_sync(admin)
        run_through(admin)
        everybody = control(stack, "GET", "admins").json()["admins"]
        control(stack, "PUT", "admins", {"admins": everybody[:60]})
        admin.press("Sync now")
        admin.sees("Held")
        held = admin.page.get_by_role("main").get_by_role("link", name=re.compile("just now")).first
        addresses = {"held run": held.get_attribute("href") or ""}
        control(stack, "POST", "faults", {"path": "/admins", "kind": "html", "times": 1})
        admin.press("Sync now")
        admin.sees("Failed")
        failed = admin.page.get_by_role("main").get_by_role("link", name=re.compile("just now")).first
        addresses["failed run"] = failed.get_attribute("href") or ""
        admin.open("/c/demo/users?status=pending")
        user = admin.page.locator("main table a[href*='/users/']").first.get_attribute("href")
        addresses["user"] = user or ""
        granted = stack.flask("account", "grant-support", "support@demo.test", "--may-sync")
        assert granted.returncode == 0, granted.stderr
        yield addresses


PAGES = {
    "platforms": "/c/demo/integrations/platforms",
    "authentication": "/c/demo/integrations/platforms/intercom",
    "zendesk": "/c/demo/integrations/platforms/zendesk",
    "user sync": SYNC,
    "disable": f"{SYNC}/disable",
    "disconnect": "/c/demo/integrations/platforms/intercom/disconnect",
    "pending": "/c/demo/users?status=pending",
    "pending, filtered to nobody": "/c/demo/users?status=pending&q=nobody-is-called-so",
    "active": "/c/demo/users?status=active",
    "inactive": "/c/demo/users?status=inactive",
    "sync status": "/c/demo/sync-status",
    "audit": "/c/demo/audit",
    "not found": "/c/demo/nothing-here",
    "contract without platforms": "/c/demo-two/integrations/platforms",
    "contract without runs": "/c/demo-two/sync-status",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_an_administrator_has_a_violation(
    browser: Browser, stack: Stack, ready: dict[str, str], scheme: str
) -> None:
    found: dict[str, list[str]] = {}
    with signed_in(browser, stack, "admin", color_scheme=scheme) as admin:
        for name, path in (PAGES | ready).items():
            found[name] = violations(admin.open(path))
        found["activate"] = violations(activation(admin, everybody=False))
        found["activate, over the licence"] = violations(activation(admin, everybody=True))
    assert {name: lines for name, lines in found.items() if lines} == {}


def activation(person: Person, *, everybody: bool) -> Page:
    page = person.open("/c/demo/users?status=pending")
    page.locator(".row-tick").first.check()
    if everybody:
        page.get_by_text(re.compile("Select all")).click()
    page.locator("[data-ticked-act]").click()
    person.sees("What they get")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_others_has_a_violation(
    browser: Browser, stack: Stack, ready: dict[str, str], scheme: str
) -> None:
    found: dict[str, list[str]] = {}
    for who, paths in {
        "manager": ["/c/demo/users?status=pending", "/c/demo/sync-status", "/c/demo/audit"],
        "support": [
            "/c/demo/sync-status",
            "/c/demo/users",
            ready["held run"],
            "/support/sync-status",
            "/support/sync-status?health=all",
            "/support/sync-status?q=nothing-is-called-so",
            "/c/demo-two/sync-status",
        ],
    }.items():
        with signed_in(browser, stack, who, color_scheme=scheme) as person:
            for path in paths:
                found[f"{who} {path}"] = violations(person.open(path))
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_has_no_violation(browser: Browser, stack: Stack, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{stack.url}/sign-in")
    assert violations(page) == []
    page.get_by_label("Email").fill("nobody@demo.test")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    assert violations(page) == []
    context.close()
