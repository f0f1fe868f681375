"""Moving through Rollcall as a person does, while everything the browser complains about is noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.journeys.contracts import PASSWORD, Journey

REPORT_CSP = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error("CSP", event.violatedDirective, event.blockedURI);
});
"""
ANSWERED = "the server responded with a status of "


@dataclass
class Person:
    """Somebody with a browser of their own, signed in to the contract of the journey."""

    page: Page
    journey: Journey
    complaints: list[str] = field(default_factory=list)
    refusals: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # (status, path) of answers 4xx and 5xx
    expected: Counter[tuple[str, str]] = field(default_factory=Counter)

    def open(self, path: str) -> Page:
        self.page.goto(self.journey.stack.url + path)
        return self.page

    def is_refused(self, path: str, status: int, text: str) -> None:
        """Open a page that may not be shown: it answers ``status`` and says why. Only this answer is forgiven."""
        answer = self.page.goto(self.journey.stack.url + path)
        assert answer is not None
        assert answer.status == status
        self.expected[str(status), urlsplit(path).path] += 1
        self.sees(text)

    def press(self, label: str) -> None:
        """Press the button that is called so."""
        self.page.get_by_role("button", name=label, exact=True).first.click()

    def follow(self, label: str) -> None:
        """Follow the link in the page's own part."""
        self.page.get_by_role("main").get_by_role("link", name=label, exact=True).first.click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_role("main")).to_contain_text(text, timeout=30_000)

    def note(self, message: ConsoleMessage) -> None:
        """Take a line of the browser's console."""
        if message.type != "error":
            return
        _, answered, status = message.text.partition(ANSWERED)
        if answered:
            self.refusals[status[:3], urlsplit(message.location["url"]).path] += 1
        else:
            self.complaints.append(message.text)


@contextmanager
def signed_in(browser: Browser, journey: Journey, who: str, **options: object) -> Iterator[Person]:
    """``who`` (admin, manager, support) signed in through the form.

    Fails at the end on any complaint of the browser, and on any refused request that was not expected.
    """
    context: BrowserContext = browser.new_context(
        **{"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"} | options
    )
    context.set_default_timeout(20_000)
    context.add_init_script(REPORT_CSP)
    person = Person(context.new_page(), journey)
    person.page.on("console", person.note)
    person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
    try:
        person.open("/sign-in")
        person.page.get_by_label("Email").fill(journey.email(who))
        person.page.get_by_label("Password", exact=True).fill(PASSWORD)
        person.press("Sign in")
        expect(person.page).not_to_have_url(f"{journey.stack.url}/sign-in")
        yield person
        assert person.complaints == []
        assert person.refusals == person.expected
    finally:
        context.close()


def connect_intercom(admin: Person) -> None:
    """From the side bar to a connected workspace, through the sandbox's consent."""
    admin.open(admin.journey.path("/integrations/platforms"))
    admin.page.get_by_role("main").get_by_role("link", name="Intercom", exact=True).first.click()
    admin.press("Connect")
    admin.press("Allow")
    admin.sees("Intercom is connected to Kestrel Outdoor")


def enable_user_sync(admin: Person) -> None:
    """Press Enable on the User sync tab and wait until the first import has ended; the page shows it by itself."""
    admin.page.get_by_role("navigation", name="Intercom settings").get_by_role(
        "link", name="User sync"
    ).click()
    admin.press("Enable")
    admin.sees("The first import has started")
    run_through(admin)


def run_through(admin: Person) -> None:
    """Wait until the run on the User sync tab has ended."""
    expect(admin.page.get_by_text("Last success")).to_be_visible(timeout=60_000)


def import_everybody(browser: Browser, journey: Journey) -> None:
    """Have an administrator connect and enable, so that 203 people are pending."""
    with signed_in(browser, journey, "admin") as admin:
        connect_intercom(admin)
        enable_user_sync(admin)
