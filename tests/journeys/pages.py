"""Moving through Rollcall as a person does, while everything the browser complains about is noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect

from tests.journeys.site import Site
from webapp.auth.demo_accounts import DEMO_PASSWORD

DESKTOP = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"}
REPORT_CSP = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error("CSP", event.violatedDirective, event.blockedURI);
});
"""
SYNC_TAB = "integrations/platforms/intercom/user-sync"
PENDING = "users?status=pending"


@dataclass
class Person:
    """Somebody with a browser of their own, at work in one contract of ``site``."""

    page: Page
    site: Site
    _said: list[tuple[str, str]] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._said.append((str(error), "")))
        self.page.on("response", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._said.append((message.text, message.location.get("url", "")))

    def _note(self, response: Response) -> None:
        if response.request.is_navigation_request() and 400 <= response.status < 500:
            self._refused.add(response.url)

    @property
    def complaints(self) -> list[str]:
        """What the browser complained about. Pages that are refused are asked for on purpose and do not count."""
        return [
            f"{text} ({url})"
            for text, url in self._said
            if not (text.startswith("Failed to load resource") and url in self._refused)
        ]

    @property
    def main(self) -> Locator:
        """The page without its side bar."""
        return self.page.get_by_role("main")

    def open(self, path: str) -> Page:
        """Go to a page of the contract, or with a leading slash to one of the whole site."""
        self.page.goto(self.site.url + path if path.startswith("/") else self.site.address(path))
        return self.page

    def sign_in(self, who: str) -> None:
        """Fill in the form as ``who``: admin, manager or support."""
        self.page.get_by_label("E-mail").fill(f"{who}@demo.test")
        self.page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
        self.press("Sign in")
        expect(self.page).not_to_have_url(re.compile("/sign-in"))

    def press(self, label: str) -> None:
        """Press the button that is called so."""
        self.page.get_by_role("button", name=label, exact=True).first.click()

    def follow(self, label: str | re.Pattern[str]) -> None:
        """Follow the link in the page's own part."""
        self.main.get_by_role("link", name=label, exact=True).first.click()

    def go(self, label: str) -> None:
        """Follow the link of the side bar."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=label).first.click()

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.main).to_contain_text(text, timeout=60_000)

    def sees_nothing_of(self, text: str) -> None:
        expect(self.main).not_to_contain_text(text)

    # ------------------------------------------------------------ what several journeys do
    def connect_intercom(self) -> None:
        """From the side bar to a connected workspace, through the sandbox's consent."""
        self.go("Platforms")
        self.follow("Intercom")
        self.press("Connect")
        self.press("Allow")
        self.sees("Intercom is connected to Kestrel Outdoor")

    def open_sync_tab(self) -> None:
        """From a platform's page to its tab User sync."""
        self.page.get_by_role("navigation", name="Intercom settings").get_by_role(
            "link", name="User sync"
        ).click()

    def import_everybody(self) -> None:
        """Connect Intercom, enable User sync, and wait until the first import has ended."""
        self.connect_intercom()
        self.open_sync_tab()
        self.press("Enable")
        self.sees("Last success")

    def sync(self) -> None:
        """Press Sync now on the tab and wait until that run has ended."""
        self.open(SYNC_TAB)
        before = self.main.locator("#last-run").get_attribute("href")
        self.press("Sync now")
        expect(self.main.locator(f'#last-run:not([href="{before}"])')).to_be_visible(timeout=60_000)

    def open_last_run(self) -> None:
        """From the tab to the page of the run that ended last."""
        self.main.locator("#last-run").click()

    def choose_team(self, name: str) -> None:
        """Pick a team of the activation form; its options are set in to show the tree."""
        team = self.page.get_by_label("Team", exact=True)
        texts = team.locator("option").all_inner_texts()
        team.select_option(label=next(text for text in texts if text.strip().endswith(name)))


@contextmanager
def browsing(browser: Browser, site: Site, **options: Any) -> Iterator[Person]:
    """Somebody who has not signed in yet. Fails at the end on any complaint of the browser."""
    context = browser.new_context(**DESKTOP | options)
    context.set_default_timeout(30_000)
    context.add_init_script(REPORT_CSP)
    person = Person(context.new_page(), site)
    try:
        yield person
        assert person.complaints == []
    finally:
        context.close()


@contextmanager
def signed_in(browser: Browser, site: Site, who: str, **options: Any) -> Iterator[Person]:
    """``who`` (admin, manager, support), signed in through the form and at the start page of the contract."""
    with browsing(browser, site, **options) as person:
        person.open("/sign-in")
        person.sign_in(who)
        person.open("")
        yield person
