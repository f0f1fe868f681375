"""Where to go next, for addresses that came from the browser: a path on this site or nothing."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


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
