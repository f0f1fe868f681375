"""Answers too long to be held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

CHUNK = 256 * 1024  # bytes


def joined(before: bytes, items: Iterable[bytes], after: bytes) -> Iterator[bytes]:
    """``before``, the items with commas between them, ``after``: in chunks of about ``CHUNK`` bytes."""
    parts: list[bytes] = [before]
    size = len(before)
    comma = b""
    for item in items:
        parts += (comma, item)
        comma = b","
        size += len(item) + 1
        if size >= CHUNK:
            yield b"".join(parts)
            parts.clear()
            size = 0
    parts.append(after)
    yield b"".join(parts)
