"""The Users pages in a real browser: ticks that follow from page to page, keyboard, narrow screens, accessibility."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.actors import Actor
from tests.axe import violations
from tests.users.world import World
from webapp.core.models import utcnow


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages look alike on both databases."""
    return sqlite_url


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """Address of the application, served by a thread."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def signed_in(page: Page, site: str, actor: Actor) -> Page:
    """``page`` with the session of ``actor``."""
    cookie = actor.client.get_cookie("rollcall-8000")
    assert cookie is not None
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
    return page


@pytest.fixture
def managing(page: Page, site: str, manager: Actor) -> Page:
    """A browser of the manager."""
    return signed_in(page, site, manager)


def test_ticks_follow_to_other_pages_orders_and_searches(managing: Page, site: str, world: World) -> None:
    world.add_many(60)
    managing.goto(f"{site}{world.url}?status=pending")
    bar = managing.locator(".ticked")
    expect(bar).to_be_hidden()
    managing.get_by_label("Select Person 00001").check()
    managing.get_by_label("Select Person 00003").check()
    expect(bar).to_contain_text("2 selected of 60 matching")
    expect(managing.get_by_role("button", name="Keep and look further")).to_be_hidden()

    managing.get_by_role("link", name="Next").click()
    expect(managing.get_by_label("Select Person 00026")).to_be_visible()
    expect(bar).to_contain_text("2 selected of 60 matching")
    managing.get_by_label("Select Person 00027").check()

    managing.get_by_role("link", name="Email").click()
    expect(managing.get_by_role("columnheader", name="Email")).to_have_attribute("aria-sort", "ascending")
    expect(bar).to_contain_text("3 selected of 60 matching")
    managing.get_by_label("Select Person 00003").uncheck()

    managing.get_by_role("searchbox").fill("Person 00050")
    managing.get_by_role("button", name="Apply").click()
    managing.get_by_label("Select Person 00050").check()
    expect(bar).to_contain_text("3 selected of 1 matching")
    managing.get_by_role("button", name="Activate 3…").click()

    people = managing.get_by_role("region", name="3 people")
    for name in ("Person 00001", "Person 00027", "Person 00050"):
        expect(people.get_by_label(name)).to_be_checked()


def test_going_back_finds_the_ticks_as_they_were(managing: Page, site: str, world: World) -> None:
    world.add_many(60)
    managing.goto(f"{site}{world.url}?status=pending")
    managing.get_by_label("Select Person 00001").check()
    managing.get_by_role("link", name="Next").click()
    expect(managing.get_by_label("Select Person 00026")).to_be_visible()

    managing.get_by_role("link", name="Previous").click()

    expect(managing.get_by_label("Select Person 00001")).to_be_checked()
    expect(managing.locator(".ticked")).to_contain_text("1 selected of 60 matching")


def test_select_all_reaches_everybody_and_clear_nobody(managing: Page, site: str, world: World) -> None:
    world.add_many(60)
    managing.goto(f"{site}{world.url}?status=pending")
    managing.get_by_label("Select everyone on this page").check()
    bar = managing.locator(".ticked")
    expect(bar).to_contain_text("25 selected of 60 matching")
    managing.get_by_role("link", name="Select all 60").click()
    expect(bar).to_contain_text("All 60 matching people are selected")

    managing.get_by_role("link", name="Clear").click()
    expect(bar).to_be_hidden()
    managing.get_by_label("Select everyone on this page").check()
    managing.get_by_role("link", name="Select all 60").click()
    managing.get_by_role("button", name="Activate 60…").click()
    expect(managing.get_by_role("heading", level=1)).to_have_text("Activate 60 pending users")


def test_people_are_activated_by_keyboard_alone(managing: Page, site: str, world: World) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak")
    managing.goto(f"{site}{world.url}?status=pending")
    managing.get_by_label("Select Anna Kim").focus()
    managing.keyboard.press("Space")
    managing.get_by_role("button", name="Activate 1…").focus()
    managing.keyboard.press("Enter")
    expect(managing.get_by_role("heading", level=1)).to_have_text("Activate Anna Kim")
    managing.get_by_role("button", name="Activate").focus()
    managing.keyboard.press("Enter")

    summary = managing.get_by_role("alert")
    expect(summary).to_be_focused()
    managing.keyboard.press("Tab")
    managing.keyboard.press("Enter")
    expect(managing.get_by_label("Team", exact=True)).to_be_focused()
    managing.keyboard.type("Leeds")
    managing.get_by_label("I have checked who is listed").focus()
    managing.keyboard.press("Space")
    managing.get_by_role("button", name="Activate").focus()
    managing.keyboard.press("Enter")

    expect(managing.get_by_text("Anna Kim is active now as Agent in Leeds.")).to_be_visible()
    assert world.statuses(ids) == ["active", "pending"]


def test_a_file_is_uploaded_and_somebody_of_it_corrected_by_keyboard_alone(
    managing: Page, site: str, world: World
) -> None:
    def press(name: str) -> None:
        managing.get_by_role("button", name=name, exact=True).focus()
        managing.keyboard.press("Enter")

    managing.goto(f"{site}{world.url}/upload")
    rows = "name,username\nBea Both,bea\nNo Name,x\nCy Dee,cyd\n"
    managing.get_by_label("CSV file").set_input_files(
        {"name": "staff.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    press("Upload and check…")
    expect(managing.get_by_role("heading", level=1)).to_have_text("Check staff.csv")
    expect(managing.get_by_role("row", name="3 username x It has only 1 character.")).to_be_visible()
    press("Add 2 people")
    expect(managing.get_by_text("Nobody was added: 1 row has a problem")).to_be_visible()
    managing.get_by_label("Leave out the 1 row with a problem and add 2 people").focus()
    managing.keyboard.press("Space")
    press("Add 2 people")
    expect(managing.get_by_text("2 people were added from staff.csv and are pending.")).to_be_visible()

    managing.goto(f"{site}{world.url}?status=pending&q=cyd")
    for link in ("Cy Dee", "Edit"):
        managing.get_by_role("link", name=link, exact=True).focus()
        managing.keyboard.press("Enter")
    managing.get_by_label("Username").focus()
    managing.keyboard.press("Control+A")
    managing.keyboard.type("BEA")
    managing.keyboard.press("Enter")
    expect(managing.get_by_role("alert")).to_be_focused()
    managing.keyboard.press("Tab")
    managing.keyboard.press("Enter")
    expect(managing.get_by_label("Username")).to_be_focused()
    expect(managing.get_by_label("Username")).to_have_value("BEA")
    managing.keyboard.press("Control+A")
    managing.keyboard.type("cy.dee")
    managing.keyboard.press("Enter")
    expect(managing.get_by_text("Cy Dee is saved.")).to_be_visible()


def test_leaving_someone_out_changes_the_number_at_once(managing: Page, site: str, world: World) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz")
    query = "&".join(f"ids={number}" for number in ids)
    managing.goto(f"{site}{world.url}/activate?status=pending&{query}")
    managing.get_by_label("Anna Kim").uncheck()
    expect(managing.get_by_role("button", name="Activate 2 users")).to_be_visible()
    expect(managing.get_by_role("heading", name="2 people")).to_be_visible()


@pytest.fixture
def addresses(world: World, manager: Actor) -> list[str]:
    """Every kind of page there is on users, each with something on it."""
    world.set_licences(8)
    leaver, agent = world.add(
        "Anna Kim", "Ærøskøbing-Featherstonehaugh van der Wolkenstein", status="active",
        missing_since=utcnow() - timedelta(days=3),
    )  # fmt: skip
    world.give([leaver], role="team_leader", access="Leeds")
    world.give([agent], role="agent", team="Billing")
    world.add("Quit Already", status="inactive")
    world.add("Iggy Nored", status="ignored")
    bare = world.add("Nora Noemail", email=False)
    world.add_many(30)
    return [
        world.url,
        f"{world.url}?missing=any&select=all",
        f"{world.url}?status=inactive",
        f"{world.url}?status=pending&select=all",
        f"{world.url}?status=pending&q=zzz",
        f"{world.url}/ignored/take-back?status=ignored&scope=all",
        f"{world.url}/{leaver}",
        f"{world.url}/{bare[0]}",
        f"{world.url}/activate?status=pending&ids={bare[0]}",
        f"{world.url}/activate?status=pending&scope=all",
        f"{world.url}/deactivate?status=active&scope=all",
    ]


def test_no_page_on_users_breaks_an_accessibility_rule(
    managing: Page, site: str, world: World, addresses: list[str]
) -> None:
    for address in addresses:
        managing.goto(site + address)
        assert violations(managing) == [], managing.url
    managing.goto(f"{site}{addresses[-2]}")
    managing.get_by_role("button", name="Activate 31 users").click()
    expect(managing.get_by_role("alert").first).to_be_visible()
    assert violations(managing) == []


def test_no_page_on_users_scrolls_sideways_on_a_narrow_screen(
    browser: Browser, site: str, manager: Actor, addresses: list[str]
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = signed_in(context.new_page(), site, manager)
    for address in addresses:
        page.goto(site + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
    context.close()
