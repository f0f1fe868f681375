"""Faults on order: what a platform may do wrong, asked for by path and worn off after some answers.

kinds: ``status`` answers with ``status``; ``html`` with a page where JSON is due (status 200, or the one given);
``empty`` with no body at all; ``truncate`` breaks off in the middle of the true answer; ``wrong-json`` answers JSON
of another shape; ``slow`` waits ``seconds`` first; ``hang`` never answers; ``drop-connection`` closes it without a
word; ``redirect`` points to ``location``; ``revoke`` ends every token, so that all calls answer 401 from then on;
``repeat-cursor`` (Zendesk) hands out the same cursor for ever.
``GET /control`` says the same to whoever gives orders (``MEANINGS``).
"""

from __future__ import annotations

import fnmatch
import threading
from typing import Annotated, Any, Literal, get_args

import msgspec

Kind = Literal[
    "status",
    "html",
    "empty",
    "truncate",
    "wrong-json",
    "slow",
    "hang",
    "drop-connection",
    "redirect",
    "revoke",
    "repeat-cursor",
]
KINDS: tuple[str, ...] = get_args(Kind)
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault. ``path`` may hold ``*``; ``times`` is how many answers it spoils, ``None`` all until it is removed.

    ``skip`` answers are left alone before.
    """

    path: str
    kind: Kind
    status: int | None = None
    times: int | None = None
    skip: int = 0
    retry_after: Seconds | None = None
    seconds: Seconds | None = None
    location: Annotated[str, msgspec.Meta(pattern=r"\A[!-~]+\Z")] | None = None
    code: str | None = None
    message: str | None = None


MEANINGS: dict[str, str] = {
    "status": "an error in the platform's words: `status`, and `code` and `message` where others are wanted; a 429 "
    "asks to wait `retry_after` seconds (1)",
    "html": "a page where JSON is due; `status` (200)",
    "empty": "no body at all; an empty list is something else: put one",
    "truncate": "the true answer breaks off in the middle, and the connection ends",
    "wrong-json": "JSON of another shape",
    "slow": "the true answer, `seconds` late",
    "hang": "no answer while the client waits",
    "drop-connection": "the connection ends without an answer",
    "redirect": "302 to `location` (a place where nothing is)",
    "repeat-cursor": "where there are pages: the same cursor for ever",
    "revoke": "every token given out so far ends, at once and for every path; consenting again gives one that works",
}


class BadOrder(ValueError):
    """What was asked of the control interface makes no sense; the text says what is wrong."""


class Faults:
    """The faults that wait, in the order in which they were asked for; the first that fits is taken."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, order: Any) -> Fault:
        """Take an order as decoded from JSON. Raises :class:`BadOrder`."""
        try:
            fault = msgspec.convert(order, Fault)
        except msgspec.ValidationError as error:
            raise BadOrder(f"{error}. A fault has path and kind, one of {', '.join(KINDS)}.") from error
        if not fault.path.startswith("/"):
            raise BadOrder("path must begin with a slash, such as /admins.")
        if fault.kind == "status" and fault.status is None:
            raise BadOrder("a fault of kind status needs status, such as 503.")
        if fault.status is not None and not 200 <= fault.status <= 599:
            raise BadOrder("status must be from 200 to 599.")
        if fault.times is not None and fault.times < 1:
            raise BadOrder("times must be 1 or more; leave it out for a fault that stays.")
        if fault.kind == "slow" and not fault.seconds:
            raise BadOrder("a fault of kind slow needs seconds, such as 2.")
        with self._lock:
            self._waiting.append(fault)
        return fault

    def take(self, *paths: str) -> Fault | None:
        """The fault that spoils the answer at this place, by any of its names; one less of its times is left."""
        with self._lock:
            for fault in self._waiting:
                if any(fnmatch.fnmatchcase(path, fault.path) for path in paths):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times == 0:
                            self._waiting.remove(fault)
                    return fault
        return None

    def remove(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.remove(fault)

    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._waiting)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
