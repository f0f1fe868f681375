"""What axe finds on a page, in the light and in the dark."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# Only what is wrong is told: what is right takes longer to hand over than to find.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
RUN = """
async (options) => {
  const { violations } = await axe.run(options);
  return violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)}`));
}
"""


def violations(page: Page) -> list[str]:
    """A line for each fault on the page as it is now; it is light afterwards.

    In the light axe looks at everything, in the dark at what colours can change.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found = [f"dark, {line}" for line in page.evaluate(RUN, COLOURS)]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return found + page.evaluate(RUN, RULES)
