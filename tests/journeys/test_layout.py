"""That the look at layout and focus finds what it is there to find."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.journeys.layout import NORMAL, layout_faults

BROKEN = """<!doctype html><html lang="en"><style>
a.bare:focus { outline: none } .bar { position: fixed; inset: 0 0 auto 0; height: 300px; background: red }
</style><div class="bar"></div><main><h1>A page</h1><a class="bare" href="#">shows nothing</a>
<button>under the bar</button><a tabindex="2" href="#">before its turn</a>
<div style="width: 700px"><button style="margin-left: 600px">far to the right</button></div></main></html>"""


def test_what_is_broken_is_found(browser: Browser) -> None:
    page = browser.new_page(viewport=NORMAL)
    page.set_content(BROKEN)
    found = "\n".join(layout_faults(page))
    page.close()
    for fault in (
        'focus: no sign of focus: <a class="bare"',
        "focus: covered while it has the focus: <button>under",
        "focus: out of order: <a tabindex",
        "200 %: scrolls to",
        "320 px: beside the page: <button",
        "wide text: scrolls to",
    ):
        assert fault in found, found
