"""Makes the pictures of the README: starts Rollcall with its sample data, uses it, and photographs its screens.

Run ``make screenshots``; the pictures go to docs/images.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.servers.browser import chromium
from tests.servers.stack import running_stack
from webapp.accounts.sign_in.demo_accounts import DEMO_PASSWORD

IMAGES = Path(__file__).parent / "images"
CONTRACT = "/c/demo"
SYNC_TAB = f"{CONTRACT}/integrations/platforms/intercom/user-sync"
SIZE = {"width": 1280, "height": 860}


def main() -> None:
    """Walk through the main job as an administrator and keep a picture of each screen."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack, chromium() as browser:
        page = browser.new_page(viewport=SIZE, base_url=stack.url, color_scheme="light", locale="en-GB")
        page.goto("/sign-in")
        page.get_by_label("Email").fill("admin@demo.test")
        page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.goto(f"{CONTRACT}/integrations/platforms/intercom")
        page.get_by_role("button", name="Connect", exact=True).first.click()
        page.get_by_role("button", name="Allow", exact=True).click()
        page.goto(SYNC_TAB)
        page.get_by_role("button", name="Enable", exact=True).click()
        expect(page.get_by_role("main")).to_contain_text("Last success", timeout=60_000)
        _keep(page, SYNC_TAB, "user-sync")
        _keep(page, f"{CONTRACT}/users?status=pending", "pending")
        _activation(page)
        _keep(page, f"{CONTRACT}/sync-status", "sync-status")


def _activation(page: Page) -> None:
    ticks = page.locator(".row-tick")
    for index in range(3):
        ticks.nth(index).check()
    page.get_by_role("button", name=re.compile("^Activate 3")).click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "activation.png")


def _keep(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
