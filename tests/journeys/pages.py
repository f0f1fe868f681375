"""Moving through Rollcall as a person does, while everything the browser complains about is noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.servers.stack import Stack
from webapp.auth.demo_accounts import DEMO_PASSWORD

REPORT_CSP = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error("CSP", event.violatedDirective, event.blockedURI);
});
"""


@dataclass
class Person:
    """Somebody with a browser of their own, signed in to the demo contract."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page

    def press(self, label: str) -> None:
        """Press the button that is called so."""
        self.page.get_by_role("button", name=label, exact=True).first.click()

    def follow(self, label: str) -> None:
        """Follow the link in the page's own part."""
        self.page.get_by_role("main").get_by_role("link", name=label, exact=True).first.click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_role("main")).to_contain_text(text, timeout=30_000)


@contextmanager
def signed_in(browser: Browser, stack: Stack, who: str, **options: object) -> Iterator[Person]:
    """``who`` (admin, manager, support) signed in through the form. Fails at the end on any complaint."""
    context: BrowserContext = browser.new_context(
        **{"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"} | options
    )
    context.set_default_timeout(20_000)
    context.add_init_script(REPORT_CSP)
    person = Person(context.new_page(), stack.url)
    person.page.on(
        "console",
        lambda message: (
            person.complaints.append(message.text)
            if message.type == "error"
            and "status of 4" not in message.text  # refused pages are asked for on purpose
            else None
        ),
    )
    person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
    try:
        person.open("/sign-in")
        person.page.get_by_label("Email").fill(f"{who}@demo.test")
        person.page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
        person.press("Sign in")
        expect(person.page).not_to_have_url(f"{stack.url}/sign-in")
        yield person
        assert person.complaints == []
    finally:
        context.close()


def control(stack: Stack, method: str, path: str, order: object = None) -> httpx.Response:
    """Give the sandbox an order."""
    answer = httpx.request(method, f"{stack.sandbox_url}/control/{path}", json=order, timeout=60)
    answer.raise_for_status()
    return answer


def connect_intercom(admin: Person) -> None:
    """From the side bar to a connected workspace, through the sandbox's consent."""
    admin.page.get_by_role("navigation", name="Main").get_by_role("link", name="Platforms").click()
    admin.page.get_by_role("main").get_by_role("link", name="Intercom", exact=True).first.click()
    admin.press("Connect")
    admin.press("Allow")
    admin.sees("Intercom is connected to Kestrel Outdoor")


def enable_user_sync(admin: Person) -> None:
    admin.page.get_by_role("navigation", name="Intercom settings").get_by_role(
        "link", name="User sync"
    ).click()
    admin.press("Enable")
    admin.sees("The first import has started")


def run_through(admin: Person) -> None:
    """Wait until the run on the User sync tab has ended; the page shows it by itself."""
    expect(admin.page.get_by_text("Last success")).to_be_visible(timeout=60_000)
