"""Who acts, as the audit log says it. Whoever serves requests tells where to look; elsewhere nobody is signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Acting:
    """Who does something, from where, and the reference of the request in which they do it."""

    account_id: int | None = None
    name: str = "Nobody signed in"
    address: str | None = None
    request_id: str | None = None


NOBODY = Acting()
_look: list[Callable[[], Acting]] = []


def look_at(where: Callable[[], Acting]) -> None:
    """From now on ``where`` says who acts."""
    _look[:] = [where]


def acting() -> Acting:
    """Who acts just now."""
    return _look[0]() if _look else NOBODY
