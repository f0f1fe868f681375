"""Intercom: who connected, and the complete list of teammates.

Facts from Intercom's REST reference, version 2.16: “Identify an admin” (GET /me), “List all admins”
(GET /admins: one answer, no pages, no filter), “Errors”, “Rate limiting”. A token needs the permissions
“Read admins” and “Read one admin”.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container
from typing import Any

import msgspec

from config import Settings
from webapp.core.text import clean
from webapp.platforms.base import (
    UNREADABLE,
    AccessDenied,
    BadResponse,
    Connector,
    LeftOut,
    Listing,
    Person,
    RemoteAccount,
    left_out,
    list_of,
)
from webapp.platforms.http import Answer, Reader
from webapp.platforms.platform import Opening, Platform, Region
from webapp.platforms.text import column_name, column_value, some_of

VERSION = "2.16"
REGIONS = {
    "us": Region("United States", "https://app.intercom.com/oauth", "https://api.intercom.io"),
    "eu": Region("Europe", "https://app.eu.intercom.com/oauth", "https://api.eu.intercom.io"),
    "au": Region("Australia", "https://app.au.intercom.com/oauth", "https://api.au.intercom.io"),
}

# Intercom's bot is listed like a teammate and may carry any name; only its address gives it away.
BOT = re.compile(r"operator(\+[^@]*)?@intercom\.io", re.IGNORECASE)

# Fields that say what someone is doing or how they are shown, not who they are.
NOT_COLUMNS = frozenset(
    {"type", "avatar", "team_ids", "team_priority_level", "away_mode_enabled", "away_mode_reassign",
     "away_status_reason_id", "has_inbox_seat", "role"}
)  # fmt: skip
MAX_ID = 255
LONGEST_WINDOW = 60.0  # seconds; Intercom's windows last ten, so a longer wait only means that clocks differ


class _Admins(msgspec.Struct):
    type: str
    admins: list[msgspec.Raw]
    pages: dict[str, Any] | None = None


class _Admin(msgspec.Struct):
    id: str | int
    type: str = "admin"
    name: str | None = None
    email: str | None = None
    team_ids: list[int | str] | None = None


class _App(msgspec.Struct):
    id_code: str
    name: str | None = None
    region: str | None = None


class _Me(msgspec.Struct):
    app: _App
    name: str | None = None
    email: str | None = None


class _Problem(msgspec.Struct):
    code: str = ""
    message: str | None = None


class _Problems(msgspec.Struct):
    errors: list[_Problem] = []


class IntercomConnector:
    """Reads one Intercom workspace through ``reader``."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def account(self) -> RemoteAccount:
        """The workspace and the teammate who connected it (GET /me)."""
        try:
            me = msgspec.json.decode(self._reader.get_json("/me"), type=_Me)
        except UNREADABLE as error:
            raise BadResponse("Intercom did not say which workspace this is.") from error
        workspace = clean(me.app.id_code)
        if workspace is None or len(workspace) > MAX_ID:
            raise BadResponse("Intercom did not say which workspace this is.")
        granted_by = ", ".join(part for part in (clean(me.name), clean(me.email)) if part)
        return RemoteAccount(
            id=workspace,
            name=(clean(me.app.name) or workspace)[:255],
            site=known_region(me.app.region),
            granted_by=granted_by[:512],
        )

    def people(self, known: Callable[[], Container[bytes]], salt: bytes) -> Listing:
        """Every teammate (GET /admins)."""
        try:
            answer = msgspec.json.decode(self._reader.get_json("/admins"), type=_Admins)
        except UNREADABLE as error:
            raise BadResponse(
                "Intercom’s list of teammates is not complete or not in its documented form."
            ) from error
        if answer.pages is not None and answer.pages.get("next"):  # old versions of the API had pages
            raise BadResponse("Intercom sent only a part of its list of teammates.")
        return list_of(answer.admins, known(), salt, parse, PLATFORM.label)


def api_url(region: str, settings: Settings) -> str:
    """Where the API answers; a configured address replaces the regional one."""
    return settings.intercom.api_url or REGIONS[region].api_url


def open_account(opening: Opening) -> Connector:
    """A connector for one workspace."""
    return IntercomConnector(
        Reader(
            api_url(opening.site, opening.settings),
            {
                "Accept": "application/json",
                "Intercom-Version": VERSION,
                "User-Agent": opening.settings.product_name,
            },
            opening.token,
            platform=PLATFORM.label,
            denial=denial,
            wait_hint=wait_hint,
            record=opening.record,
            limits=opening.limits,
            sleep=opening.sleep,
            watch=opening.watch,
        )
    )


def known_region(region: str | None) -> str | None:
    """The key of the region that ``GET /me`` names, in any case; ``None`` for one we do not know."""
    key = (region or "").lower()
    return key if key in REGIONS else None


def parse(record: msgspec.Raw, revision: bytes) -> Person | LeftOut:
    """One entry of the list. Raises :class:`BadResponse` for a shape that is not documented."""
    try:
        admin = msgspec.json.decode(record, type=_Admin)
        fields: dict[str, Any] = msgspec.json.decode(record)
    except UNREADABLE as error:
        raise BadResponse("Intercom’s list holds an entry that is not in its documented form.") from error
    remote_id = clean(str(admin.id)) or ""
    if not remote_id or len(remote_id) > MAX_ID:
        raise BadResponse("Intercom’s list holds an entry without a usable ID.")
    name, email = clean(admin.name), clean(admin.email)
    if admin.type != "admin" or (email and BOT.fullmatch(email)):
        return left_out(remote_id, name, email, "bot" if admin.type == "admin" else "not_a_person")
    return Person(
        remote_id=remote_id,
        revision=revision,
        name=name,
        email=email,
        team=some_of([f"Team ID {team}" for team in admin.team_ids or []]),  # names would be a call more
        columns=_columns(fields, remote_id),
    )


def denial(answer: Answer) -> AccessDenied:
    """Words for a 401 or 403. Intercom adds codes at any time, so the status decides, the code only explains."""
    try:
        codes = {problem.code for problem in msgspec.json.decode(answer.body, type=_Problems).errors}
    except UNREADABLE:
        codes = set()
    if "api_plan_restricted" in codes:
        return AccessDenied("Intercom says this workspace’s plan does not include access for apps.")
    if answer.status == 403 or "token_unauthorized" in codes:
        return AccessDenied("The connection to Intercom lacks the permission “Read admins”.")
    return AccessDenied(
        "Intercom refused our token: it was revoked, or the app was removed from the workspace."
    )


def wait_hint(answer: Answer, now: float) -> float | None:
    """Seconds to wait, at least 1: Retry-After, else on a 429 until the window ends (X-RateLimit-Reset, Unix time).

    The window's header stands on every answer, but only a 429 is about it.
    """
    asked = _number(answer, "Retry-After")
    if asked is not None:
        return max(1.0, asked)
    reset = _number(answer, "X-RateLimit-Reset") if answer.status == 429 else None
    return None if reset is None else max(1.0, min(reset - now, LONGEST_WINDOW))


def _number(answer: Answer, header: str) -> float | None:
    """The number in ``header``; ``None`` when it is absent or says something else."""
    try:
        number = float(answer.headers[header])
    except (KeyError, ValueError):
        return None
    return None if math.isnan(number) else number


def _columns(fields: dict[str, Any], remote_id: str) -> dict[str, str]:
    """The values an identifier can be chosen from: whatever short text or number the record has."""
    columns: dict[str, str] = {}
    for field, value in fields.items():
        name = column_name(field)
        if value is not None and name and name not in NOT_COLUMNS and (text := column_value(value)):
            columns.setdefault(name, text)
    columns["id"] = remote_id
    role = fields.get("role")
    role_name = column_value(role.get("name")) if isinstance(role, dict) else None
    if role_name:
        columns["role.name"] = role_name
    return columns


PLATFORM = Platform(
    key="intercom",
    label="Intercom",
    people_word="teammates",
    person_word="teammate",
    account_word="workspace",
    console_name="Intercom Developer Hub",
    site_word="Region",
    permissions_needed=("Read admins", "Read one admin"),
    regions=REGIONS,
    open=open_account,
)
