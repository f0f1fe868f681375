"""What is read out while a page is open: the stage of a run, through a region that is there before."""

from __future__ import annotations

import itertools
from pathlib import Path

from playwright.sync_api import Browser, Route, expect

SCRIPT = (Path(__file__).parents[2] / "static/app.js").read_text(encoding="utf-8")
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
