"""No axe violation on any page, in the light and in the dark, and nothing lost at 320 px and at 200 %.

The list of pages is the application's own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.access.test_walk import address
from tests.access.world import World, world
from tests.axe import violations
from tests.journeys.contracts import PASSWORD, Journey
from tests.journeys.layout import NORMAL, layout_faults
from tests.journeys.pages import connect_intercom, enable_user_sync, signed_in
from tests.mails import mails
from tests.servers.databases import SqliteTemplate

# Rules with GET that are no page of their own: files, a program's questions, parts of a page, ways to elsewhere.
NO_PAGES = {
    "/account/email/link",
    "/static/<path:filename>",
    "/static/css/all.css",
    "/bootstrap/static/<path:filename>",
    "/healthz",
    "/healthz/live",
    "/healthz/ready",
    "/hooks/intercom",
    "/",
    "/c/<contract>/",
    "/c/<contract>/sync-status/panel",
    "/support/sync-status/panel",
    "/c/<contract>/sync-status/runs/<int:run_id>/panel",
    "/c/<contract>/integrations/platforms/<platform>/user-sync/panel",
    "/c/<contract>/integrations/platforms/<platform>/why/<int:question_id>/panel",
    "/c/<contract>/users/activate",
    "/c/<contract>/users/activate/each",
    "/c/<contract>/users/deactivate",
    "/c/<contract>/users/ignore",
    "/c/<contract>/users/ignored/take-back",
    "/c/<contract>/users/upload/users-template.csv",
    "/c/<contract>/users/upload/<int:upload_id>/problems.csv",
}
# Answers other than 200 that are pages too.
STATUSES = {
    "/integrations/<platform>/callback": 400,
    "/invitation": 410,
    "/reset-password": 410,
    "/account/email/confirm": 410,
}


def faults(page: Page) -> list[str]:
    """What axe finds, and what is wrong with the layout, which no colours change."""
    return violations(page) + layout_faults(page)


def pages_of(app: Flask) -> list[str]:
    """Every rule that answers GET with a page."""
    rules = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())}
    return sorted(rules - NO_PAGES)


@pytest.fixture(scope="module")
def there(
    _sqlite_template: SqliteTemplate, _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A contract with something of everything."""
    with (
        _sqlite_template.copy() as url,
        world(url, _redis_server, tmp_path_factory.mktemp("world")) as built,
    ):
        yield built


@pytest.fixture(scope="module")
def site(there: World) -> Iterator[str]:
    """Address of the application, served by a thread."""
    server = make_server("127.0.0.1", 0, there.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def test_no_page_that_can_be_opened_has_a_violation(browser: Browser, there: World, site: str) -> None:
    context = browser.new_context(reduced_motion="reduce", viewport=NORMAL)
    page = context.new_page()
    found = {"/sign-in": signing_in(page, site)}

    def come_as(actor: str) -> None:
        cookie = there.actors[actor].client.get_cookie("rollcall-8000")
        assert cookie is not None
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])

    rules = pages_of(there.app)
    assert len(rules) > 15
    for rule in rules:
        if rule == "/sign-in":
            continue
        come_as("starter" if rule.startswith("/support") else "administrator")
        answer = page.goto(site + address(there, rule, there.a))
        assert answer is not None
        assert answer.status == STATUSES.get(rule, 200), rule
        assert "text/html" in answer.headers["content-type"], rule
        assert page.locator("main").count() == 1, f"{rule} is a part of a page; say so in NO_PAGES"
        found[rule] = faults(page)
    come_as("administrator")
    base = f"{site}/c/{there.a.slug}"
    for path in (
        "/users?status=active",
        "/users?status=inactive",
        "/users?status=ignored",
        f"/users/ignore?status=pending&ids={there.a.pending_id}",
        f"/users/activate?status=pending&ids={there.a.pending_id}",
        f"/users/activate/each?status=pending&ids={there.a.pending_id}",
        f"/users/{there.a.active_id}/edit",
        f"/users/{there.a.pending_id}/history?by=sync",
        "/users?status=pending&q=nobody-is-called-so",
        "/integrations/platforms/zendesk",
        "/integrations/platforms/zendesk/user-sync",
        f"/users/upload/{there.a.upload_id}?as=active",
        f"/users/upload/{there.a.upload_id}?show=people",
        "/audit?from=2025-01-01&q=nothing-is-called-so",
        "/nothing-here",
    ):
        page.goto(base + path)
        found[path] = faults(page)
    found |= mailed_links(page, site, there)
    context.close()
    assert {name: lines for name, lines in found.items() if lines} == {}


def mailed_links(page: Page, site: str, there: World) -> dict[str, list[str]]:
    """The pages that a mailed link opens: to an administrator, and to who has just got the mail."""
    administrator = there.actors["administrator"]
    administrator.post(f"/c/{there.a.slug}/users/{there.a.active_id}/invitation")
    administrator.post("/forgot-password", {"email": administrator.email})
    administrator.post("/account/email", {"email": "new@example.com", "current": PASSWORD})
    found = {}
    for mail in mails(there.app):
        for who in ("the administrator", "nobody signed in"):
            if "token=" not in mail.text or (who.startswith("nobody") and mail.purpose == "email_change"):
                continue
            if who.startswith("nobody"):
                page.context.clear_cookies()
            page.goto(site + mail.link)
            found[f"{mail.purpose} opened by {who}"] = violations(page)
            for button in page.get_by_role("button", name="Accept and sign in").all():
                button.click()
                found["an invitation without a password"] = violations(page)
        cookie = administrator.client.get_cookie("rollcall-8000")
        assert cookie is not None
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
    assert len(found) == 6
    return found


def signing_in(page: Page, site: str) -> list[str]:
    """The violations of the form, and of the form that was refused."""
    page.goto(f"{site}/sign-in")
    found = violations(page)
    page.get_by_label("Email").fill("nobody@demo.test")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    return found + faults(page)


def test_no_page_of_a_journey_has_a_violation(browser: Browser, journey: Journey) -> None:
    """States that need something to have happened: connected, held, failed, many chosen at once."""
    found: dict[str, list[str]] = {}
    with signed_in(browser, journey, "admin") as admin:

        def look(name: str) -> None:
            found[name] = violations(admin.page)

        def follow_the_newest() -> None:
            admin.page.get_by_role("main").get_by_role("link", name=re.compile("just now")).first.click()
            admin.page.wait_for_url("**/sync-status/runs/*")

        admin.open(journey.path("/integrations/platforms"))
        look("nothing connected")
        admin.open(journey.path("/sync-status"))
        look("nothing has run")
        connect_intercom(admin)
        admin.open(journey.sync)
        look("connected")
        admin.open(journey.platform)
        enable_user_sync(admin)
        look("imported")
        for everybody in (False, True):
            page = admin.open(journey.pending)
            page.locator(".row-tick").first.check()
            if everybody:
                page.get_by_text(re.compile("Select all")).click()
            page.locator("[data-ticked-act]").click()
            admin.sees("What they get")
            look("past the licence" if everybody else "activate one")
        teammates = journey.control("GET", "admins").json()["admins"]
        journey.control("PUT", "admins", {"admins": teammates[:60]})
        admin.open(journey.sync)
        admin.press("Sync now")
        admin.sees("Held")
        follow_the_newest()
        look("held run")
        journey.control("POST", "faults", {"path": "/admins", "kind": "html", "times": 1})
        admin.open(journey.sync)
        admin.press("Sync now")
        admin.sees("Failed")
        follow_the_newest()
        look("failed run")
    assert {name: lines for name, lines in found.items() if lines} == {}
