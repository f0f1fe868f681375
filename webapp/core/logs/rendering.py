"""One record, one line: JSON for programs, or a line for people. No value can begin a line or drive a terminal."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any, Literal

from structlog.contextvars import merge_contextvars
from structlog.processors import JSONRenderer, LogfmtRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

from webapp.core.logs.stories import masked, story

# What a record may carry besides its words and the bound IDs; anything else that libraries add is left out.
FIELDS = ("method", "path", "status", "bytes", "milliseconds", "address")
HEAD = ("timestamp", "level", "logger", "request", "event")
LONGEST = (
    30_000  # characters of one value: a line fits into a pipe at once, so those of two processes do not mix
)

_logfmt = LogfmtRenderer()


def formatter(form: Literal["json", "text"]) -> ProcessorFormatter:
    """A formatter for all records, of ours and of libraries."""
    return ProcessorFormatter(
        foreign_pre_chain=[merge_contextvars, _of_record],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            _told,
            _harmless,
            JSONRenderer() if form == "json" else _line,
        ],
    )


def escape(text: str) -> str:
    """``text`` without anything that could start a new line or drive a terminal."""
    return "".join(
        char if unicodedata.category(char)[0] != "C" and char not in "\u2028\u2029" else ascii(char)[1:-1]
        for char in text
    )


def _of_record(_logger: WrappedLogger, _name: str, said: EventDict) -> EventDict:
    """The moment, level and place of a record, then its words and what else may be said."""
    record = said["_record"]
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    found = {"timestamp": moment.replace("+00:00", "Z"), "level": record.levelname, "logger": record.name}
    found |= said
    if isinstance(kind := getattr(record, "event", None), str):  # of a denial
        found["kind"] = kind
    return found | {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}


def _told(_logger: WrappedLogger, _name: str, said: EventDict) -> EventDict:
    """The story of an exception in place of the exception."""
    said.pop("stack_info", None)
    error = (said.pop("exc_info", None) or (None, None))[1]
    return said if error is None else {**said, "exception": story(error)}


def _harmless(_logger: WrappedLogger, _name: str, said: EventDict) -> EventDict:
    """Every value short, masked and escaped; a story keeps its lines, which only JSON can hold."""
    for name, value in said.items():
        if not isinstance(value, int | float | None):
            text = _cut(masked(_cut(str(value), 4 * LONGEST)), LONGEST)
            said[name] = "\n".join(map(escape, text.split("\n"))) if name == "exception" else escape(text)
    return said


def _cut(text: str, longest: int) -> str:
    """``text`` if it is not too long; else its beginning and its end, where a story names the error."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


def _line(_logger: WrappedLogger, name: str, said: EventDict) -> str:
    """``2026-11-23T08:10:00.123Z WARNING webapp.web [reference] words contract=3 | story``, always one line."""
    head: dict[str, Any] = {key: said.pop(key, "-") for key in HEAD}
    told = said.pop("exception", "")
    line = f"{head['timestamp']} {head['level']} {head['logger']} [{head['request']}] {head['event']}"
    return f"{line} {_logfmt(None, name, said)}".rstrip() + (f" | {escape(told)}" if told else "")
