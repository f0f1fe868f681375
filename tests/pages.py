"""What a page of HTML must and must not be, whatever it shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
NO_LABEL = {
    "hidden",
    "submit",
    "button",
    "reset",
    "image",
}  # types of input that bring their own or need none
SAFE_LINK = re.compile(r"(https?://|/(?!/)|#|\?|mailto:|$)", re.IGNORECASE)
POINTERS = (
    "for",
    "aria-describedby",
    "aria-labelledby",
    "aria-controls",
    "popovertarget",
    "aria-errormessage",
)


@dataclass
class Element:
    """One element; ``text`` is all text below it."""

    tag: str
    attributes: dict[str, str | None]
    parents: tuple[Element, ...] = ()
    text: str = ""
    below: list[Element] = field(default_factory=list)

    def has(self, name: str) -> bool:
        return bool((self.attributes.get(name) or "").strip())

    @property
    def name(self) -> str:
        """Something to find it by."""
        known = [self.attributes.get(name) for name in ("name", "id", "class")]
        return f"<{self.tag} {next(filter(None, known), '')}>"


class Page(HTMLParser):
    """The elements of a page in their order, and what is wrong with how they are nested."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.nesting: list[str] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        self.nesting += [f"{element.name} is not closed" for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._open and self._open[-1].tag == "option":
            self._open.pop()  # an option may be left open
        element = Element(tag, dict(attrs), tuple(self._open))
        if len(element.attributes) != len(attrs):
            self.nesting.append(f"{element.name} has an attribute twice")
        for parent in self._open:
            parent.below.append(element)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag != "option" and self._open and self._open[-1].tag == "option":
            self._open.pop()  # an option may be left open
        if not self._open or self._open[-1].tag != tag:
            self.nesting.append(f"</{tag}> closes {self._open[-1].name if self._open else 'nothing'}")
            while self._open and tag in [element.tag for element in self._open] and self._open[-1].tag != tag:
                self._open.pop()
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def ids(self) -> Counter[str]:
        return Counter(
            element.attributes["id"] or "" for element in self.elements if "id" in element.attributes
        )


def problems_of_fragment(html: str) -> list[str]:
    """What is wrong with a part of a page: things the content security policy blocks, ids, names, nesting."""
    page = Page(html)
    return [*page.nesting, *_blocked(page), *_ids(page), *_fields(page), *_names(page)]


def problems_of_page(html: str) -> list[str]:
    """What is wrong with a whole page."""
    page = Page(html)
    return [*problems_of_fragment(html), *_frame(page), *_pointers(page), *_headings(page)]


def _blocked(page: Page) -> Iterator[str]:
    for element in page.elements:
        if element.tag == "style":
            yield "a style element"
        if element.tag == "script" and not element.has("src"):
            yield f"a script within the page: {element.text[:60]}"
        for name, value in element.attributes.items():
            if name == "style" or name.startswith("on"):
                yield f"{element.name} has {name}="
            if name in ("href", "src", "action", "formaction") and not SAFE_LINK.match((value or "").strip()):
                yield f"{element.name} leads to {value}"


def _ids(page: Page) -> Iterator[str]:
    for id_, count in page.ids().items():
        if count > 1 or not id_ or re.search(r"\s", id_):
            yield f"the id {id_!r} is there {count} times"


def _fields(page: Page) -> Iterator[str]:
    labelled = {element.attributes.get("for") for element in page.all("label") if element.text.strip()}
    for element in page.all("input", "select", "textarea"):
        if element.attributes.get("type") in NO_LABEL and element.tag == "input":
            continue
        inside = any(parent.tag == "label" and parent.text.strip() for parent in element.parents)
        if not (inside or element.attributes.get("id") in labelled or _aria(element)):
            yield f"{element.name} has no label"
        groups = [
            one
            for one in element.parents
            if one.tag == "fieldset" or one.attributes.get("role") == "radiogroup"
        ]
        if element.attributes.get("type") == "radio" and not groups:
            yield f"{element.name} is a choice without a group"
    for element in page.all("fieldset"):
        legends = [one for one in element.below if one.tag == "legend" and one.text.strip()]
        if not legends and not _aria(element):
            yield f"{element.name} has no legend"


def _names(page: Page) -> Iterator[str]:
    for element in page.all("button", "a", "summary"):
        pictures = [one for one in element.below if one.tag == "img" and one.has("alt")]
        if not (element.text.strip() or _aria(element) or pictures):
            yield f"{element.name} has no name"
    for element in page.all("img"):
        if "alt" not in element.attributes:
            yield f"{element.name} has no alt"
    for element in page.all("table"):
        if not [one for one in element.below if one.tag == "th"]:
            yield f"{element.name} has no head"


def _frame(page: Page) -> Iterator[str]:
    html = page.all("html")
    if len(html) != 1 or not html[0].has("lang"):
        yield "no language"
    titles = [
        element for element in page.all("title") if not element.parents or element.parents[-1].tag == "head"
    ]
    if len(titles) != 1 or not titles[0].text.split(" – ")[0].strip():
        yield "no title"
    mains = page.all("main")
    if [element.attributes.get("id") for element in mains] != ["main"]:
        yield "not one main element with the id main"
    first = page.all("a")[:1]
    if first and first[0].attributes.get("href") != "#main":
        yield "the first link does not skip to the main content"


def _pointers(page: Page) -> Iterator[str]:
    ids = page.ids()
    for element in page.elements:
        for name in POINTERS:
            for id_ in (element.attributes.get(name) or "").split():
                if id_ not in ids:
                    yield f"{element.name} {name}= points to {id_}, which is not there"
        href = element.attributes.get("href") or ""
        if element.tag == "a" and href.startswith("#") and href[1:] not in ids:
            yield f"{element.name} leads to {href}, which is not there"


def _headings(page: Page) -> Iterator[str]:
    levels = [int(element.tag[1]) for element in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} first-level headings"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} after one of level {before}"


def _aria(element: Element) -> bool:
    return element.has("aria-label") or element.has("aria-labelledby")
