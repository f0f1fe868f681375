"""What is read out while a page is open, through a region that is there before: stages, counts, what an action did."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from tests.actors import Actor, make_actor, make_contract
from tests.users.world import make_world

SCRIPT = (Path(__file__).parents[2] / "static/app.js").read_text(encoding="utf-8")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PANEL = '<p>{shown} people</p><span class="visually-hidden" data-stage>{stage}</span>'
PAGE = """<!doctype html><html lang="en"><title>A run</title><main>
<div data-poll="/panel" data-poll-seconds="0.05">{panel}</div></main><script src="/app.js"></script></html>"""


def test_a_new_stage_is_read_out_and_nothing_else_is(browser: Browser) -> None:
    page = browser.new_page()
    asked, stages = itertools.count(1), ["Fetching"]

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix("http://rollcall.test")
        if path == "/app.js":
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        elif path == "/panel":
            route.fulfill(body=PANEL.format(shown=next(asked), stage=stages[-1]), content_type="text/html")
        else:
            route.fulfill(
                body=PAGE.format(panel=PANEL.format(shown=0, stage="Fetching")), content_type="text/html"
            )

    page.route("**/*", answer)
    page.goto("http://rollcall.test/")
    region = page.get_by_role("status")
    expect(page.get_by_text("3 people")).to_be_visible()  # the figures change
    expect(region).to_have_count(1)
    expect(region).to_have_text("")  # and are not read out
    stages.append("Writing")
    expect(region).to_have_text("Writing")
    page.close()


FILLED_IN = """<!doctype html><html lang="en"><title>Page {served}</title><main>
<div id="live" data-poll="/panel" data-poll-seconds="0.05"><p>Going on</p></div>
<form method="get" action="/sent">{field}<button>Pause</button></form></main><script src="/app.js"></script></html>"""
REASON = '<label>Reason <input name="reason" autocomplete="off"></label>'
CHOICE = '<label>Reason <select name="reason"><option>One</option><option>Other</option></select></label>'


def ending(page: Page, field: str) -> Callable[[], int]:
    """A page that asks to be loaded anew all the time; how often it was served."""
    served = itertools.count(1)
    last = [0]

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix("http://rollcall.test")
        if path == "/app.js":
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        elif path == "/panel":
            ends = {"X-Poll": "stop", "X-Poll-Reload": "1"} if over else {}
            route.fulfill(body="<p>Going on</p>", content_type="text/html", headers=ends)
        else:
            last[0] = next(served)
            route.fulfill(body=FILLED_IN.format(served=last[0], field=field), content_type="text/html")

    over: list[bool] = []
    page.route("**/*", answer)
    page.goto("http://rollcall.test/")
    expect(page).to_have_title("Page 1")

    def end() -> int:
        over.append(True)
        page.wait_for_timeout(500)
        return last[0]

    return end


@pytest.mark.parametrize("field", [REASON, CHOICE], ids=["typed", "chosen"])
def test_what_is_filled_in_outlives_the_end_of_what_the_page_shows(browser: Browser, field: str) -> None:
    page = browser.new_page()
    end = ending(page, field)
    if field == REASON:
        page.get_by_label("Reason").fill("Moving house")
    else:
        page.get_by_label("Reason").select_option("Other")
    assert end() == 1
    expect(page.locator("#live")).to_contain_text(
        "This has ended. What you are filling in on this page is kept"
    )
    expect(page.get_by_role("status")).to_contain_text("This has ended.")
    expect(page.get_by_label("Reason")).to_have_value("Moving house" if field == REASON else "Other")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_url("**/sent?reason=*")
    page.close()


def test_a_page_is_loaded_anew_once_nothing_is_filled_in(browser: Browser) -> None:
    page = browser.new_page()
    end = ending(page, REASON)
    page.get_by_label("Reason").focus()  # somebody is about to type
    assert end() == 1
    page.get_by_label("Reason").blur()
    expect(page).not_to_have_title("Page 1", timeout=10_000)
    page.close()


HEARD = """
  window.heard = [];
  new MutationObserver((records) => {
    for (const record of records) {
      for (const added of record.addedNodes)
        if (added.matches?.("[role=status], [role=alert]")) heard.push(`there: ${added.textContent}`);
      if (record.target.matches?.("[role=status], [role=alert]")) heard.push(record.target.textContent);
    }
  }).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture
def seen(browser: Browser, app: Flask) -> Iterator[Callable[[Actor, str], Page]]:
    """``seen(actor, path)``: what this application answers, in a browser that notes what is read out."""
    page = browser.new_page()
    page.add_init_script(HEARD)

    def show(actor: Actor, path: str) -> Page:
        def answer(route: Route) -> None:
            given = actor.get(route.request.url.removeprefix("http://localhost"), follow_redirects=True)
            route.fulfill(status=given.status_code, headers=dict(given.headers), body=given.data)

        page.route("http://localhost/**", answer)
        page.goto(f"http://localhost{path}")
        return page

    yield show
    page.close()


@on_sqlite
def test_how_many_are_ticked_is_read_out_by_a_region_that_was_there_before(
    app: Flask, seen: Callable[[Actor, str], Page]
) -> None:
    world = make_world(app)
    world.add("Ada Lovelace", "Grace Hopper", "Mary Shelley")
    page = seen(make_actor(app, world.contract_id, "manager"), f"{world.url}?status=pending")
    ticks = page.locator(".row-tick")
    expect(page.locator("body > [role=status]")).to_have_text("")
    page.evaluate("heard.length = 0")
    ticks.nth(0).check()
    ticks.nth(1).check()
    page.locator("[data-ticked-clear]").click()
    assert page.evaluate("heard") == [
        "1 selected of 3 matching",
        "2 selected of 3 matching",
        "Nobody is selected",
    ]


@on_sqlite
def test_what_an_action_did_is_read_out_because_it_has_the_focus(
    app: Flask, seen: Callable[[Actor, str], Page]
) -> None:
    admin = make_actor(app, make_contract(app, "acme"), "administrator")
    admin.get("/c/acme/integrations/platforms/intercom/disconnect")
    page = seen(admin, "/c/acme/integrations/platforms/intercom")
    expect(page.locator("[data-flashes]")).to_be_focused()
    expect(page.locator("[data-flashes]")).to_have_text("Intercom is not connected.")
