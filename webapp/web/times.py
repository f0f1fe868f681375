"""Moments for people: relative when fresh, absolute after, the full time always at hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask, g, has_app_context

from webapp.core.models import utcnow

RELATIVE_WITHIN = timedelta(hours=7)


@dataclass(frozen=True)
class Timestamp:
    """A moment: machine-readable, complete, the text to show; absolute for run lists, clock for timelines."""

    iso: str
    title: str
    text: str
    relative: bool
    absolute: str
    clock: str


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(timestamp=timestamp, duration=duration, age=age, utcnow=utcnow)


def timestamp(moment: datetime, now: datetime | None = None) -> Timestamp:
    """``moment`` for a page, in the time zone of the contract it belongs to."""
    zone = zone_of_request()
    now = now or utcnow()
    local = moment.astimezone(zone)
    title = f"{local.day} {local:%B %Y, %H:%M:%S} {local.tzname()}"
    near = abs(now - moment) < RELATIVE_WITHIN
    dated = absolute(local, now.astimezone(zone))
    text = relative(moment, now) if near else dated
    iso = moment.astimezone(UTC).isoformat(timespec="seconds")
    return Timestamp(iso, title, text, near, dated, f"{local:%H:%M:%S}")


def zone_of_request() -> ZoneInfo:
    """The contract's time zone inside a contract's pages, UTC elsewhere."""
    access = g.get("access") if has_app_context() else None
    return ZoneInfo(access.contract.time_zone) if access else ZoneInfo("UTC")


def absolute(local: datetime, now: datetime) -> str:
    """“23 Nov, 08:10”, with the year when it is another one."""
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def relative(moment: datetime, now: datetime) -> str:
    """“3 min ago”, “in 6 h”, “just now”. What is past is rounded down, what is to come to the nearest."""
    seconds = round((now - moment).total_seconds())
    size = abs(seconds)
    if size < 60:
        return "just now" if seconds >= 0 else "in under a minute"
    if seconds > 0:
        return f"{size // 60} min ago" if size < 3600 else f"{size // 3600} h ago"
    return f"in {round(size / 60)} min" if size < 3570 else f"in {round(size / 3600)} h"


def age(moment: datetime, now: datetime | None = None) -> str:
    """How long ago in one whole number: “12 days”, “1 hour”, “under an hour”."""
    hours = int(((now or utcnow()) - moment).total_seconds()) // 3600
    if hours < 1:
        return "under an hour"
    number, unit = (hours // 24, "day") if hours >= 24 else (hours, "hour")
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """“0.4 s”, “12 s”, “4 min 2 s”, “1 h 5 min”; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
