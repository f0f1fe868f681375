"""A page as a browser without scripts sees it: elements, texts, and forms that can be filled in and sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from werkzeug.test import TestResponse

from tests.actors import Actor

VOID = {"meta", "link", "img", "input", "br", "wbr", "hr", "rect", "circle", "path"}


@dataclass
class Element:
    """One element; ``text`` is all text within, with single spaces."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for part in self.parts:
            if isinstance(part, str):
                yield part
            else:
                yield from part._texts()

    def all(self, tag: str = "", **attrs: str) -> list[Element]:
        """Elements within, in order; ``class_`` means one of its classes."""
        found = []
        for part in self.parts:
            if isinstance(part, Element):
                if (not tag or part.tag == tag) and all(
                    part.has(name, value) for name, value in attrs.items()
                ):
                    found.append(part)
                found += part.all(tag, **attrs)
        return found

    def one(self, tag: str = "", **attrs: str) -> Element:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} elements {tag} {attrs}"
        return found[0]

    def has(self, name: str, value: str) -> bool:
        name = name.rstrip("_").replace("_", "-")
        if name == "class":
            return value in self.attrs.get("class", "").split()
        return self.attrs.get(name) == value


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("page")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


@dataclass
class Page:
    """What one answer shows, in somebody's browser."""

    actor: Actor
    response: TestResponse
    root: Element

    @property
    def text(self) -> str:
        return self.root.one("main").text

    @property
    def notices(self) -> str:
        return " ".join(notice.text for notice in self.root.all(class_="notice"))

    @property
    def names(self) -> list[str]:
        """The people in the table, in order."""
        return [cell.all("a")[0].text for cell in self.root.all("th", role="rowheader")]

    def form(self, action: str) -> Form:
        """The form that is sent to an address ending in ``action``."""
        found = [form for form in self.root.all("form") if form.attrs.get("action", "").endswith(action)]
        assert len(found) == 1, f"{len(found)} forms to {action}"
        return Form(self, found[0])


class Form:
    """A form as it is filled in; ``values`` is what is sent."""

    def __init__(self, page: Page, element: Element) -> None:
        self._page = page
        self._element = element
        self.values: dict[str, list[str]] = {}
        for control in element.all():
            name = control.attrs.get("name")
            if not name or "disabled" in control.attrs:
                continue
            if control.tag == "select":
                options = control.all("option")
                chosen = [option for option in options if "selected" in option.attrs] or options[:1]
                self.values.setdefault(name, []).extend(option.attrs["value"] for option in chosen)
            elif control.tag == "input":
                if control.attrs.get("type") in ("checkbox", "radio") and "checked" not in control.attrs:
                    continue
                self.values.setdefault(name, []).append(control.attrs.get("value", "on"))

    def fill(self, **values: object) -> Form:
        """Set fields; a list for several values, ``None`` to leave one empty."""
        for name, value in values.items():
            items = value if isinstance(value, list) else [] if value is None else [value]
            self.values[name] = [str(item) for item in items]
        return self

    def send(self, button: str) -> Page:
        """Send it by the last button whose text begins so."""
        buttons = [one for one in self._element.all("button") if one.text.startswith(button)]
        assert buttons, f"no button {button}"
        pressed = buttons[-1].attrs
        values = {name: list(items) for name, items in self.values.items()}
        if "name" in pressed:
            values.setdefault(pressed["name"], []).append(pressed.get("value", ""))
        here = self._page.response.request.path
        action = pressed.get("formaction") or self._element.attrs["action"]
        return page_of(self._page.actor, self._page.actor.client.post(urljoin(here, action), data=values))


def open_page(actor: Actor, path: str) -> Page:
    return page_of(actor, actor.get(path))


def page_of(actor: Actor, response: TestResponse) -> Page:
    """The page of an answer, following a redirect within the site."""
    hops = 0
    while response.status_code in (302, 303):
        hops += 1
        assert hops < 4, f"redirected in circles to {response.location}"
        response = actor.get(response.location)
    builder = _Builder()
    builder.feed(response.text)
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> is not closed"
    return Page(actor, response, builder.open[0])
