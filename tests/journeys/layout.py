"""What axe does not see: pages on narrow screens and enlarged, with wider text, and where the focus is."""

from __future__ import annotations

from playwright.sync_api import Page

NORMAL = {"width": 1280, "height": 720}
TWICE = {"width": 640, "height": 360}  # the same window at 200 %
NARROW = {"width": 320, "height": 640}

# WCAG 1.4.12: nothing may be lost with this. A constructed sheet, because the page's policy forbids inline ones.
WIDE_TEXT = """
() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}
"""

# The page itself scrolls downwards only, and nothing to operate lies beside it (tables scroll by themselves).
BESIDE = """
() => {
  const width = document.documentElement.clientWidth, found = [];
  const scrolls = (node) => {
    for (let up = node.parentElement; up; up = up.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return true;
    return false;
  };
  if (document.documentElement.scrollWidth > width) found.push(`scrolls to ${document.documentElement.scrollWidth}`);
  const parts = "a, button, input:not([type=hidden]), select, textarea, h1, h2";
  for (const node of document.querySelector("main").querySelectorAll(parts)) {
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const box = node.getBoundingClientRect();
    if (box.width > 1 && (box.right > width + 1 || box.left < -1) && !scrolls(node))
      found.push(`beside the page: ${node.outerHTML.slice(0, 120)}`);
  }
  return found;
}
"""

# Everything that can have the focus shows it, is not covered while it has it, and comes in the order of the page.
FOCUS = """
() => {
  const found = [];
  const looks = (node) => {
    const style = getComputedStyle(node);
    return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor, style.backgroundColor].join();
  };
  const parts = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  for (const node of document.querySelectorAll(parts)) {
    if (node.tabIndex > 0) found.push(`out of order: ${node.outerHTML.slice(0, 120)}`);
    if (node.tabIndex < 0 || node.disabled || !node.checkVisibility({ visibilityProperty: true })) continue;
    document.activeElement?.blur();
    const before = looks(node);
    node.focus({ focusVisible: true });
    if (document.activeElement !== node) continue;
    const card = node.closest(".btn, label, li, a") ?? node;
    if (looks(node) === before && looks(card) === before)
      found.push(`no sign of focus: ${node.outerHTML.slice(0, 120)}`);
    const box = node.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const at = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5]].map(([x, y]) =>
      document.elementFromPoint(box.left + box.width * x, box.top + box.height * y));
    if (!at.some((top) => top && (node.contains(top) || top.contains(node) || node.labels?.[0]?.contains(top))))
      found.push(`covered while it has the focus: ${node.outerHTML.slice(0, 120)}`);
  }
  document.activeElement?.blur();
  return found;
}
"""


def layout_faults(page: Page) -> list[str]:
    """What is lost on the page at 200 %, at 320 px, there with wider text too, and what focus does not show."""
    found = [f"focus: {line}" for line in page.evaluate(FOCUS)]
    page.set_viewport_size(TWICE)  # type: ignore[arg-type]
    found += [f"200 %: {line}" for line in page.evaluate(BESIDE)]
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    found += [f"320 px: {line}" for line in page.evaluate(BESIDE)]
    found += [f"320 px, focus: {line}" for line in page.evaluate(FOCUS)]
    page.evaluate(WIDE_TEXT)
    found += [f"wide text: {line}" for line in page.evaluate(BESIDE)]
    page.set_viewport_size(NORMAL)  # type: ignore[arg-type]
    return found
