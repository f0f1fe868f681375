"""Zendesk: who connected, and everybody who works there.

Facts from Zendesk's API reference: “List Users” (GET /api/v2/users with role[] and cursor paging), “Show Self”
(GET /api/v2/users/me, answered to anonymous callers too), “List Custom Roles” (Enterprise plans), “Rate limits”
(Retry-After in seconds) and “Pagination” (follow meta.after_cursor while meta.has_more). The scope is users:read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Annotated, Any

import msgspec

from config import Settings
from webapp.core.text import clean
from webapp.platforms.base import (
    UNREADABLE,
    AccessDenied,
    BadResponse,
    Connector,
    Forbidden,
    LeftOut,
    Listing,
    NotFound,
    Person,
    RemoteAccount,
    UserType,
    left_out,
    list_of,
)
from webapp.platforms.http import Answer, Reader
from webapp.platforms.platform import Opening, Platform
from webapp.platforms.text import column_name, column_value

SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
URL = "https://{subdomain}.zendesk.com"
SCOPE = "users:read"
PAGE_SIZE = 100  # the most that Zendesk gives at once
MAX_PAGES = 20_000
RETRY_DEFAULT = 10.0  # seconds, for a 429 or 503 that does not say how long

# “Users”, role_type: 0 custom agent, 1 light agent, 2 chat agent, 3 contributor, 4 admin, 5 billing admin
ROLE_TYPES = {1: "light_agent", 2: "chat_agent", 3: "contributor", 4: "admin", 5: "billing_admin"}
TYPES = (
    UserType("agent", "Agents"),
    UserType("admin", "Admins"),
    UserType("billing_admin", "Billing admins"),
    UserType("chat_agent", "Chat agents"),
    UserType("light_agent", "Light agents", by_default=False),
    UserType("contributor", "Contributors", by_default=False),
    UserType("suspended", "Suspended agents", by_default=False),
    UserType("shared", "Agents shared from another Zendesk", by_default=False),
)
LABELS = {"agent": "Agent", "admin": "Admin", "billing_admin": "Billing admin", "chat_agent": "Chat agent",
          "light_agent": "Light agent", "contributor": "Contributor"}  # fmt: skip
OWN_FIELDS = "user_fields."  # before the names of fields that an account made itself
COLUMNS = ("email", "name", "external_id", "alias", "phone")


Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _User(msgspec.Struct):
    id: Id
    name: str | None = None
    email: str | None = None
    role: str | None = None
    role_type: int | None = None
    custom_role_id: Id | None = None
    active: bool | None = True
    suspended: bool | None = False
    shared_agent: bool | None = False
    external_id: str | int | None = None
    alias: str | None = None
    phone: str | None = None
    user_fields: dict[str, Any] | None = None


class _Meta(msgspec.Struct):
    has_more: bool
    after_cursor: str | None = None


class _Page(msgspec.Struct):
    users: list[msgspec.Raw]
    meta: _Meta


class _Myself(msgspec.Struct):
    id: int | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None


class _Me(msgspec.Struct):
    user: _Myself


class _Role(msgspec.Struct):
    id: Id
    name: str | None = None
    role_type: int | None = None


class _Roles(msgspec.Struct):
    custom_roles: list[_Role]


class ZendeskConnector:
    """Reads one Zendesk account through ``reader``. The account is known by its ``subdomain``."""

    def __init__(self, reader: Reader, subdomain: str) -> None:
        self._reader = reader
        self._subdomain = subdomain

    def account(self) -> RemoteAccount:
        """The account and who connected it. A 200 alone proves nothing: anonymous callers get one as well."""
        try:
            me = msgspec.json.decode(self._reader.get_json("/api/v2/users/me.json"), type=_Me).user
        except UNREADABLE as error:
            raise BadResponse("Zendesk did not say who connected.") from error
        if me.id is None or me.role not in ("admin", "agent"):
            raise AccessDenied(
                "Zendesk does not know our token any more, or its owner no longer works there."
            )
        granted_by = ", ".join(part for part in (clean(me.name), clean(me.email)) if part)
        return RemoteAccount(
            id=self._subdomain,
            name=f"{self._subdomain}.zendesk.com",
            site=self._subdomain,
            granted_by=granted_by[:512],
        )

    def people(self, known: Callable[[], Container[bytes]], salt: bytes) -> Listing:
        """Every agent and admin, page by page to the end."""
        roles = self._custom_roles()
        names = repr(
            sorted(roles.items())
        ).encode()  # a renamed role changes what is remembered of its people
        records = self._records()
        return list_of(
            records,
            known(),
            salt,
            lambda record, revision: parse(record, revision, roles),
            PLATFORM.label,
            begins=names,
            user_types=_types(roles),
        )

    def _records(self) -> list[msgspec.Raw]:
        records: list[msgspec.Raw] = []
        query = [("role[]", "agent"), ("role[]", "admin"), ("page[size]", str(PAGE_SIZE))]
        cursors: set[str] = set()
        after: list[tuple[str, str]] = []
        for _ in range(MAX_PAGES):
            try:
                page = msgspec.json.decode(
                    self._reader.get_json("/api/v2/users.json", [*query, *after]), type=_Page
                )
            except UNREADABLE as error:
                raise BadResponse("Zendesk’s list of agents is not in its documented form.") from error
            records += page.users
            if not page.meta.has_more:
                return records
            cursor = page.meta.after_cursor
            if not cursor or cursor in cursors:
                raise BadResponse("Zendesk’s list of agents goes round in a circle, so it cannot be trusted.")
            cursors.add(cursor)
            after = [("page[after]", cursor)]
        raise BadResponse("Zendesk’s list of agents does not end.")

    def _custom_roles(self) -> dict[int, str]:
        """Names of the custom roles; none on plans or with scopes that do not show them."""
        try:
            body = self._reader.get_json("/api/v2/custom_roles.json")
            roles = msgspec.json.decode(body, type=_Roles).custom_roles
        except (Forbidden, NotFound):
            return {}
        except UNREADABLE as error:
            raise BadResponse("Zendesk’s list of custom roles is not in its documented form.") from error
        own = [
            role for role in roles if role.role_type not in ROLE_TYPES
        ]  # the others are Zendesk's own types
        return {role.id: (clean(role.name) or f"Custom role {role.id}")[:100] for role in own}


def parse(record: msgspec.Raw, revision: bytes, roles: dict[int, str]) -> Person | LeftOut:
    """One entry of the list. Raises :class:`BadResponse` for a shape that is not documented."""
    try:
        user = msgspec.json.decode(record, type=_User)
    except UNREADABLE as error:
        raise BadResponse("Zendesk’s list holds an entry that is not in its documented form.") from error
    remote_id, name, email = str(user.id), clean(user.name), clean(user.email)
    if user.role not in ("agent", "admin") or user.active is False:
        return left_out(remote_id, name, email, "not_a_person")
    kind = _kind(user)
    return Person(
        remote_id=remote_id,
        revision=revision,
        name=name,
        email=email,
        team=roles.get(user.custom_role_id or 0) or LABELS.get(kind, "Agent"),
        columns=_columns(user, remote_id),
        types=tuple(
            key
            for key, applies in ((kind, True), ("suspended", user.suspended), ("shared", user.shared_agent))
            if applies
        ),
    )


def denial(answer: Answer) -> AccessDenied:
    """Words for a 401 or 403. Their bodies come in several forms, so the status decides."""
    if answer.status == 403:
        return Forbidden(
            f"The connection to Zendesk lacks the scope {SCOPE}, or whoever connected may not see other agents."
        )
    return AccessDenied(
        "Zendesk refused our token: access was revoked, or whoever connected no longer works there."
    )


def wait_hint(answer: Answer, _now: float) -> float | None:
    """Seconds to wait: Retry-After where it is given, ten for a 429 or 503 without one."""
    if answer.status not in (429, 503):
        return None
    try:
        return max(1.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return RETRY_DEFAULT


def base_url(subdomain: str, settings: Settings) -> str:
    """Where the account answers. Raises ``ValueError`` for what is not one strict label."""
    if not SUBDOMAIN.fullmatch(subdomain):
        raise ValueError(f"{subdomain!r} is not a subdomain")
    return (settings.zendesk.api_url or URL).replace("{subdomain}", subdomain)


def open_account(opening: Opening) -> Connector:
    """A connector for one account."""
    reader = Reader(
        base_url(opening.site, opening.settings),
        {"Accept": "application/json", "User-Agent": opening.settings.product_name},
        opening.token,
        platform=PLATFORM.label,
        denial=denial,
        wait_hint=wait_hint,
        record=opening.record,
        limits=opening.limits,
        sleep=opening.sleep,
        watch=opening.watch,
    )
    return ZendeskConnector(reader, opening.site)


def _types(roles: dict[int, str]) -> list[UserType]:
    custom = [UserType(f"custom:{role}", f"Custom role “{name}”") for role, name in roles.items()]
    return [*TYPES[:2], *sorted(custom, key=lambda one: one.label), *TYPES[2:]]


def _kind(user: _User) -> str:
    """The one type a person has by their role. Light agents carry a custom role too, which nobody chose for them."""
    by_type = ROLE_TYPES.get(user.role_type if user.role_type is not None else -1)
    if by_type is not None:
        return by_type
    if user.role == "admin":
        return "admin"
    return "agent" if user.custom_role_id is None else f"custom:{user.custom_role_id}"


def _columns(user: _User, remote_id: str) -> dict[str, str]:
    columns = {"id": remote_id}
    for name in COLUMNS:
        text = column_value(getattr(user, name))
        if text:
            columns[name] = text
    for key, value in (user.user_fields or {}).items():
        own = column_name(f"{OWN_FIELDS}{key}")
        if own and own != OWN_FIELDS and (text := column_value(value)):
            columns.setdefault(own, text)
    return columns


PLATFORM = Platform(
    key="zendesk",
    label="Zendesk",
    people_word="agents",
    person_word="agent",
    account_word="account",
    console_name="Zendesk Admin Center",
    site_word="Subdomain",
    permissions_needed=(SCOPE,),
    user_types=TYPES,
    open=open_account,
)
