"""A teammate as the control interface takes it, as it is stored, and as each version of the API shows it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from sandbox.faults import BadOrder
from sandbox.store import Record

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", *(f"2.{minor}" for minor in range(17)))
NEWEST = "2.16"
SINCE = {"role": (2, 16), "away_status_reason_id": (2, 14)}  # fields that older versions do not have

# What even the shortest official example has; a name, an email address and a title may be absent.
ALWAYS: dict[str, Any] = {
    "type": "admin",
    "away_mode_enabled": False,
    "away_mode_reassign": False,
    "has_inbox_seat": True,
    "team_ids": [],
}


class _Priority(msgspec.Struct):
    primary_team_ids: list[int] | None = None
    secondary_team_ids: list[int] | None = None


class _Role(msgspec.Struct):
    type: str = "role"
    id: str = ""
    name: str = ""


class _Documented(msgspec.Struct):
    """The documented fields and their types. Name, email and title may be null: clients must bear that."""

    id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,19}\Z")]
    type: str = "admin"
    name: str | None = None
    email: str | None = None
    job_title: str | None = None
    away_mode_enabled: bool = False
    away_mode_reassign: bool = False
    away_status_reason_id: int | None = None
    has_inbox_seat: bool = True
    team_ids: list[int] = []
    team_priority_level: _Priority | None = None
    avatar: str | None = None
    role: _Role | None = None


def record_of(admin: Any, what: str = "the admin") -> Record:
    """A teammate (an object as in GET /admins, or its JSON) as it is stored: ``ALWAYS`` filled in, the avatar aside.

    Fields that are not documented are kept. Raises :class:`BadOrder`, which begins with ``what``.
    """
    try:
        if isinstance(admin, msgspec.Raw):
            admin = msgspec.json.decode(admin)
        known = msgspec.convert(admin, _Documented)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadOrder(f"{what} does not fit: {error}.") from error
    body = ALWAYS | admin
    avatar = body.pop("avatar", None)
    return Record(
        known.id, msgspec.json.encode(body), None if avatar is None else msgspec.json.encode(avatar)
    )


def fields_of(record: Record) -> dict[str, Any]:
    """All fields of a teammate, the avatar included."""
    fields: dict[str, Any] = msgspec.json.decode(record.body)
    if record.aside is not None:
        fields["avatar"] = msgspec.json.decode(record.aside)
    return fields


def whole(record: Record) -> bytes:
    """The JSON of all fields."""
    return served(record, (2, 16), avatar=True)


def served(record: Record, version: tuple[int, ...], *, avatar: bool) -> bytes:
    """The JSON that this version of the API shows, with the avatar when it was asked for."""
    hidden = [name for name, since in SINCE.items() if version < since]
    body = record.body
    if hidden:
        fields = msgspec.json.decode(body)
        body = msgspec.json.encode({name: value for name, value in fields.items() if name not in hidden})
    if avatar and record.aside:
        body = body[:-1] + b',"avatar":' + record.aside + b"}"
    return body
