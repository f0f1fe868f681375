"""The main job in a real browser: connect, enable, activate, rename there, read how it went."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.contracts import Journey, second_contract
from tests.journeys.pages import (
    Person,
    connect_intercom,
    enable_user_sync,
    import_everybody,
    run_through,
    signed_in,
)


def activate(manager: Person, count: int) -> None:
    """Tick the first ``count`` pending people and activate them as Agents of the team Billing."""
    page = manager.open(f"{manager.journey.pending}&per_page=100")
    ticks = page.locator(".row-tick")
    for index in range(count):
        ticks.nth(index).check()
    page.get_by_role("button", name=f"Activate {count}…").click()
    manager.sees(f"Activate {count} pending users")
    page.get_by_label("Agent", exact=False).first.check()
    page.get_by_label("Team", exact=True).select_option(label=billing(page))
    page.get_by_label(re.compile("I have checked")).check()
    page.get_by_role("button", name=re.compile(r"Activate\s+\d+\s+users")).click()


def billing(page: Page) -> str:
    """How the team Billing is called in the list of teams."""
    options = page.get_by_label("Team", exact=True).locator("option").all_inner_texts()
    return next(option for option in options if "Billing" in option)


def test_an_administrator_connects_enables_and_sees_the_first_import(
    browser: Browser, journey: Journey
) -> None:
    with signed_in(browser, journey, "admin") as admin:
        connect_intercom(admin)
        enable_user_sync(admin)
        admin.sees("204 teammates: 203 imported, 1 left out.")
        admin.open(journey.pending)
        admin.sees("Showing 1–25 of 203")
        admin.open(journey.path("/audit"))
        for text in ("Connected", "Enabled User sync of"):
            admin.sees(text)


def test_a_manager_activates_in_bulk_within_the_licence_and_not_past_it(
    browser: Browser, journey: Journey
) -> None:
    import_everybody(browser, journey)
    with signed_in(browser, journey, "manager") as manager:
        manager.open(f"{journey.pending}&q=sam+reyes")
        manager.sees("Showing 1–2 of 2")
        activate(manager, 30)
        page = manager.open(journey.path("/users?status=active&per_page=100"))
        expect(page.get_by_role("main")).to_contain_text("33 of 60 licences in use")

        page = manager.open(journey.pending)
        page.locator(".row-tick").first.check()
        page.get_by_text(re.compile("Select all")).click()
        page.get_by_role("button", name=re.compile("Activate")).last.click()
        manager.sees("Short by")
        expect(page.get_by_role("main")).to_contain_text("licence")
        page = manager.open(journey.pending)
        expect(page.get_by_role("main")).to_contain_text("of 173")


def test_a_manager_activates_by_keyboard_alone(browser: Browser, journey: Journey) -> None:
    import_everybody(browser, journey)
    with signed_in(browser, journey, "manager") as manager:
        page = manager.open(journey.pending)
        _reach(page, ".skip-rows")
        _reach(page, ".row-tick")
        page.keyboard.press("Space")
        expect(page.get_by_role("status").filter(has_text="1 selected of 203 matching")).to_have_count(1)
        page.keyboard.press("Enter")  # in a tick box: what the bar's first button does
        manager.sees("What they get")
        _reach(page, "select[name=team]")
        chosen = page.locator("select[name=team] option:checked")
        for _ in range(4):
            if "Billing" in chosen.inner_text():
                break
            page.keyboard.press("ArrowDown")
        expect(chosen).to_contain_text("Billing")
        _reach(page, "input[name=confirm]")
        page.keyboard.press("Space")
        _reach(page, "main .acts button.btn-primary")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "activate" not in url)
        expect(page.locator("[data-flashes]")).to_be_focused()
        manager.open(journey.path("/users?status=active"))
        manager.sees("4 of 60 licences in use")


def _reach(page: Page, selector: str) -> None:
    """Press Tab until something that fits ``selector`` has the focus."""
    for _ in range(120):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key never comes to {selector}")


def test_a_name_changed_there_changes_here_and_support_reads_the_run(
    browser: Browser, journey: Journey
) -> None:
    import_everybody(browser, journey)
    someone = journey.control("GET", "admins").json()["admins"][5]
    journey.control("PATCH", f"admins/{someone['id']}", {"name": "Philippa Northcote-Baines"})
    with signed_in(browser, journey, "admin") as admin:
        admin.open(journey.sync)
        admin.press("Sync now")
        admin.sees("1 renamed")
        admin.open(journey.path("/users?status=pending&q=Northcote-Baines"))
        admin.sees("Philippa Northcote-Baines")
        admin.open(journey.path("/audit"))
        admin.sees("Started a sync of")

    with signed_in(browser, journey, "support") as support:
        support.open(journey.path("/sync-status"))
        support.sees("Scheduler")
        support.sees("last seen")
        main = support.page.get_by_role("main")
        expect(main.get_by_role("button")).to_have_count(0)
        main.get_by_role("table").last.get_by_role("link").first.click()
        support.sees("Philippa Northcote-Baines")
        support.sees(someone["name"])
        expect(support.page.get_by_role("button", name="Sync now")).to_have_count(0)
        for path, permission in (
            (journey.pending, "Manage Users"),
            (journey.path("/conflicts"), "Manage Users"),
            (journey.path("/integrations/platforms"), "Manage Integrations"),
            (journey.sync, "Manage Integrations"),
            (journey.path("/webhook"), "Manage Integrations"),
        ):
            support.is_refused(path, 403, f"You need the permission {permission}")


def test_disabling_asks_first(browser: Browser, journey: Journey) -> None:
    with signed_in(browser, journey, "admin") as admin:
        connect_intercom(admin)
        enable_user_sync(admin)
        admin.open(journey.sync)
        admin.follow("Disable…")
        admin.sees("What stays")
        admin.follow("Keep it enabled")
        admin.follow("Disable…")
        admin.press("Disable")
        admin.sees("User sync is disabled")
        admin.press("Enable")
        admin.sees("A run has started")
        run_through(admin)


def test_everything_works_without_script(browser: Browser, journey: Journey) -> None:
    with signed_in(browser, journey, "admin", java_script_enabled=False) as admin:
        connect_intercom(admin)
        admin.open(journey.sync)
        admin.press("Enable")
        admin.sees("The first import has started")
    with signed_in(browser, journey, "admin") as watching:
        watching.open(journey.sync)
        run_through(watching)
    with signed_in(browser, journey, "manager", java_script_enabled=False) as manager:
        page = manager.open(journey.pending)
        page.locator(".row-tick").first.check()
        page.locator("[data-ticked-act]").click()
        manager.sees("What they get")
        page.get_by_label("Team", exact=True).select_option(label=billing(page))
        page.get_by_label(re.compile("I have checked")).check()
        page.get_by_role("main").get_by_role("button", name=re.compile(r"^Activate")).last.click()
        manager.open(journey.path("/users?status=active"))
        manager.sees("4 of 60 licences in use")
    with signed_in(browser, journey, "support", java_script_enabled=False) as support:
        support.open(journey.path("/sync-status"))
        support.page.get_by_role("main").get_by_role("table").last.get_by_role("link").first.click()
        support.sees("203 imported")


def test_a_menu_opens_and_closes_by_keyboard(browser: Browser, journey: Journey) -> None:
    name = second_contract(journey)
    with signed_in(browser, journey, "admin") as admin:
        page = admin.open(journey.path("/integrations/platforms"))
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to main content")
        page.keyboard.press("Enter")
        expect(page.locator("main:focus")).to_have_count(1)
        summary = page.locator("details.contract summary")
        summary.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name=name)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name=name)).to_be_hidden()
        expect(summary).to_be_focused()
        page.set_viewport_size({"width": 390, "height": 800})
        menu = page.locator("#sidebar")
        page.locator("button[popovertarget=sidebar]").first.focus()
        page.keyboard.press("Enter")
        expect(menu).to_be_visible()
        _reach(page, ".topbar .brand")  # past the last link of the menu
        expect(menu).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390])
def test_narrow_screens_scroll_downwards_only(browser: Browser, journey: Journey, width: int) -> None:
    import_everybody(browser, journey)
    with signed_in(browser, journey, "admin", viewport={"width": width, "height": 844}) as admin:
        for path in (
            journey.path("/integrations/platforms"),
            journey.platform,
            journey.sync,
            journey.pending,
            journey.path("/users?status=active"),
            journey.path("/conflicts"),
            journey.path("/sync-status"),
            journey.path("/audit"),
        ):
            page = admin.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page = admin.open(journey.path("/integrations/platforms"))
        page.get_by_role("button", name="Open menu").click()
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Users").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Users")
