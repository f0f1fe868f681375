"""Where to go next: back to this page, or to an address from the browser if it is a path on this site."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from flask import current_app, request

View = TypeVar("View", bound=Callable[..., object])


def one_way(view: View) -> View:
    """Mark a view whose address carries a secret: nobody is sent back to it, and no page there passes it on."""
    view.one_way = True  # type: ignore[attr-defined]
    return view


def is_one_way() -> bool:
    """Whether the request is for such a view."""
    return getattr(current_app.view_functions.get(request.endpoint or ""), "one_way", False)


def way_back() -> str | None:
    """This page with its query, for who comes back to it.

    ``None`` for a form, which cannot be sent again, and for a :func:`one_way` address.
    """
    if request.method != "GET" or is_one_way():
        return None
    try:
        return request.full_path.rstrip("?")
    except UnicodeDecodeError:  # raw bytes that are no text, which was refused
        return request.path


def own_path(target: str | None) -> str | None:
    """``target`` if it is surely a path on this site, else ``None``.

    Browsers drop tabs and line breaks and read a backslash as a slash, so both are refused, encoded or not;
    so is everything that begins with two slashes once decoded.
    """
    if not target or len(target) > 2000:
        return None
    for text in (target, unquote(target), unquote(unquote(target))):
        if not text.startswith("/") or text.startswith("//") or "\\" in text:
            return None
        if any(char <= " " or char == "\x7f" for char in text.split("?")[0]) or any(
            char < " " for char in text
        ):
            return None
        parts = urlsplit(text)
        if parts.scheme or parts.netloc:
            return None
    return target
