"""Debian's Chromium, driven by Playwright.

Playwright's own browsers are downloads; the system's is used instead. Playwright keeps an event loop running in
the thread that started it, so a test process that has used the browser cannot call ``asyncio.run`` there any more.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser without a window; ends it afterwards."""
    program = shutil.which("chromium")
    assert program, "chromium is not on the PATH; `make test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
