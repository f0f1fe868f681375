"""Pages of a long list: a clamped page number, the size choices, and links that keep the other parameters."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, g, request, url_for

from webapp.core.numbers import whole

PAGE_SIZES = (25, 50, 100)
MAX_PAGE = 1_000_000
MAX_NUMBER = 10**9 - 1  # what is larger was not meant as one


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(url_with=url_with)


@dataclass(frozen=True)
class Page:
    """Which slice of ``total`` rows is shown. ``number`` counts from 1."""

    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.offset + self.size, self.total)

    def around(self) -> list[int | None]:
        """Page numbers to link, ``None`` for a gap: first, last and those beside the current one."""
        wanted = sorted(
            {1, self.pages, *range(max(1, self.number - 1), min(self.pages, self.number + 1) + 1)}
        )
        linked: list[int | None] = []
        for number in wanted:
            if linked and linked[-1] is not None and number - linked[-1] > 1:
                linked.append(None)
            linked.append(number)
        return linked


def page_of(total: int, default_size: int = PAGE_SIZES[0]) -> Page:
    """The page the request asks for, moved into what exists; nonsense counts as the first."""
    size = _number("per_page", default_size)
    if size not in PAGE_SIZES:
        size = default_size
    wanted = min(max(_number("page", 1), 1), MAX_PAGE)
    pages = max(1, -(-total // size))
    return Page(min(wanted, pages), size, total)


def _number(name: str, default: int) -> int:
    number = whole(request.args.get(name, ""), most=MAX_NUMBER)
    return default if number is None else number


def url_with(**changes: object) -> str:
    """This page's address with some parameters changed; ``None`` drops one. Another page drops ``page``.

    A part of a page that is served alone names the whole one in ``g.page_endpoint``.
    """
    args: dict[str, object] = dict(request.args.lists())
    if "page" not in changes:
        args.pop("page", None)
    kept = {name: value for name, value in (args | changes).items() if value is not None}
    # The parameters come from the browser, so none may become an argument of url_for.
    endpoint = g.get("page_endpoint") or request.endpoint or ""
    path = url_for(endpoint, **(request.view_args or {}))
    return f"{path}?{urlencode(kept, doseq=True)}" if kept else path
