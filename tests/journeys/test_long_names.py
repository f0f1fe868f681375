"""Names as long as they may be, in one word, push nothing out of a page and no column out of a table."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import make_server

from tests.actors import Actor, make_actor
from tests.journeys.layout import NARROW, NORMAL
from tests.users.pages import open_page
from tests.users.world import make_world

MIDDLE = {"width": 1024, "height": 768}
WORD = "Kundenbetreuungsorganisationsentwicklungsabteilung"

# How far the page, and each table that scrolls by itself, is wider than what can be seen.
TOO_WIDE = """
() => [document.documentElement, ...document.querySelectorAll(".table-hold")].map(
  (node) => node.scrollWidth - node.clientWidth)
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def signed_in_as(page: Page, actor: Actor, site: str) -> None:
    cookie = actor.client.get_cookie("rollcall-8000")
    assert cookie is not None
    page.context.add_cookies([{"name": "rollcall-8000", "value": cookie.value, "url": site}])


def test_long_names_break_and_leave_room_for_the_rest(app: Flask, site: str, page: Page) -> None:
    world = make_world(app)
    administrator = make_actor(app, world.contract_id, "administrator")
    role = open_page(administrator, "/c/acme/roles/new").form("/new")
    role.fill(name=WORD * 2, description=WORD * 5).send("Create role")
    team = open_page(administrator, f"/c/acme/structure/{world.teams['Billing']}/archive").form("/archive")
    team.send("Archive team")
    form = open_page(administrator, f"/c/acme/structure/{world.teams['Chat']}").form("/rename")
    form.fill(name=WORD * 5).send("Rename")
    open_page(administrator, "/c/acme/settings").form("/settings").fill(name=WORD * 5).send("Save")
    signed_in_as(page, administrator, site)
    for path in ("roles", "structure", f"structure/{world.teams['Chat']}/archive", "settings", "audit"):
        for size in (NORMAL, MIDDLE, NARROW):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto(f"{site}/c/acme/{path}")
            assert max(page.evaluate(TOO_WIDE)) <= 0, (path, size)
    page.set_viewport_size(NORMAL)  # type: ignore[arg-type]
    (archived,) = page.get_by_role("row").filter(has_text="Archived the team").all()
    box = archived.bounding_box()
    assert box is not None
    assert box["height"] < 80  # its words stand beside each other, not one letter below the other
