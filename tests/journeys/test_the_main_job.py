"""The main job in a real browser: connect, enable, activate, rename there, read how it went."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.pages import (
    Person,
    connect_intercom,
    control,
    enable_user_sync,
    run_through,
    signed_in,
)
from tests.servers.stack import Stack

PENDING = "/c/demo/users?status=pending"


def activate(manager: Person, count: int) -> None:
    """Tick the first ``count`` pending people and activate them as Agents of the team Billing."""
    page = manager.open(f"{PENDING}&per_page=100")
    ticks = page.locator(".row-tick")
    for index in range(count):
        ticks.nth(index).check()
    page.get_by_role("button", name=f"Activate {count}…").click()
    manager.sees(f"Activate {count} pending users")
    page.get_by_label("Agent", exact=False).first.check()
    page.get_by_label("Team", exact=True).select_option(label=_team(page, "Billing"))
    page.get_by_label(re.compile("I have checked")).check()
    page.get_by_role("button", name=re.compile(r"Activate\s+\d+\s+users")).click()


def _team(page: Page, name: str) -> str:
    options = page.get_by_label("Team", exact=True).locator("option").all_inner_texts()
    return next(option for option in options if name in option)


def test_the_whole_journey(browser: Browser, stack: Stack) -> None:
    with signed_in(browser, stack, "admin") as admin:
        connect_intercom(admin)
        enable_user_sync(admin)
        run_through(admin)
        admin.sees("204 teammates: 203 imported.")
        admin.open(PENDING)
        admin.sees("Showing 1–25 of 203")

        with signed_in(browser, stack, "manager") as manager:
            manager.open(f"{PENDING}&q=sam+reyes")
            manager.sees("Showing 1–2 of 2")
            activate(manager, 30)
            manager.sees("30")
            manager.open("/c/demo/users?status=active&per_page=100")
            expect(manager.page.get_by_role("main")).to_contain_text("33 of 60 licences in use")

        admins = control(stack, "GET", "admins").json()["admins"]
        someone = admins[5]
        control(stack, "PATCH", f"admins/{someone['id']}", {"name": "Philippa Northcote-Baines"})
        admin.open("/c/demo/integrations/platforms/intercom/user-sync")
        admin.press("Sync now")
        admin.sees("1 renamed.")
        admin.page.get_by_role("main").get_by_role("link", name=re.compile("just now|min ago")).first.click()
        admin.sees("Philippa Northcote-Baines")
        admin.sees(someone["name"])
        admin.open("/c/demo/users?status=pending&q=Northcote-Baines")
        admin.sees("Philippa Northcote-Baines")

        with signed_in(browser, stack, "support") as support:
            support.open("/c/demo/sync-status")
            support.sees("Scheduler")
            support.sees("last seen")
            main = support.page.get_by_role("main")
            expect(main.get_by_role("button")).to_have_count(0)
            main.get_by_role("table").last.get_by_role("link").first.click()
            support.sees("Philippa Northcote-Baines")
            expect(support.page.get_by_role("button", name="Sync now")).to_have_count(0)
            support.open(PENDING)
            support.sees("You need the permission Manage Users")

        admin.open("/c/demo/audit")
        for text in ("Connected", "Enabled User sync of", "Activated", "Started a sync of"):
            admin.sees(text)


def test_past_the_licence_nobody_is_activated(browser: Browser, stack: Stack) -> None:
    with signed_in(browser, stack, "manager") as manager:
        page = manager.open(PENDING)
        page.locator(".row-tick").first.check()
        page.get_by_text(re.compile("Select all")).click()
        page.get_by_role("button", name=re.compile("Activate")).last.click()
        manager.sees("Short by")
        expect(page.get_by_role("main")).to_contain_text("licence")
        page = manager.open(PENDING)
        expect(page.get_by_role("main")).to_contain_text("of 173")


def test_disabling_asks_first(browser: Browser, stack: Stack) -> None:
    with signed_in(browser, stack, "admin") as admin:
        admin.open("/c/demo/integrations/platforms/intercom/user-sync")
        admin.follow("Disable…")
        admin.sees("What stays")
        admin.follow("Keep it enabled")
        admin.follow("Disable…")
        admin.press("Disable")
        admin.sees("User sync is disabled")
        admin.press("Enable")
        admin.sees("A run has started")
        run_through(admin)


def test_everything_works_without_script(browser: Browser, stack: Stack) -> None:
    with signed_in(browser, stack, "admin", java_script_enabled=False) as admin:
        admin.open("/c/demo/integrations/platforms/intercom/user-sync")
        admin.press("Sync now")
        admin.sees("A run")
        admin.open(PENDING)
        admin.page.locator(".row-tick").first.check()
        admin.page.locator("[data-ticked-act]").click()
        admin.sees("What they get")


def test_a_menu_opens_and_closes_by_keyboard(browser: Browser, stack: Stack) -> None:
    with signed_in(browser, stack, "admin") as admin:
        page = admin.open("/c/demo/integrations/platforms")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to main content")
        page.keyboard.press("Enter")
        expect(page.locator("main:focus")).to_have_count(1)
        summary = page.locator("details.contract summary")
        summary.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Kestrel Outdoor Nordics")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Kestrel Outdoor Nordics")).to_be_hidden()
        expect(summary).to_be_focused()


@pytest.mark.parametrize("width", [320, 390])
def test_narrow_screens_scroll_downwards_only(browser: Browser, stack: Stack, width: int) -> None:
    with signed_in(browser, stack, "admin", viewport={"width": width, "height": 844}) as admin:
        for path in (
            "/c/demo/integrations/platforms",
            "/c/demo/integrations/platforms/intercom",
            "/c/demo/integrations/platforms/intercom/user-sync",
            PENDING,
            "/c/demo/users?status=active",
            "/c/demo/sync-status",
            "/c/demo/audit",
        ):
            page = admin.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page = admin.open("/c/demo/integrations/platforms")
        page.get_by_role("button", name="Open menu").click()
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Users").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Users")
