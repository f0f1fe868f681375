"""What a database of an earlier version holds: plain rows, put into the tables as that version's migrations made them.

Of each row only the columns are written that the table has then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

# The newest migration of each state of the product that was landed, and of the releases that were made of it.
LANDED = (
    "0001", "0010", "0022", "0023", "0041", "0044", "0050", "0051", "0052", "0053", "0054", "0055", "0060", "0066",
    "0068",
    "0071",  # 0.1.0
)  # fmt: skip

THEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Mary Somerville", "Hedy Lamarr", "Gone Already")


def rows(one: int, credentials: str, permissions: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Table and row of the contract with the ID ``one``, in the order in which they can be written."""
    mine = {"contract_id": one}
    return [
        (
            "contracts",
            {
                "id": one,
                "slug": f"old-{one}",
                "name": f"Old House {one}",
                "time_zone": "UTC",
                "licences": 9,
                "created_at": THEN,
            },
        ),
        ("contract_features", {**mine, "feature": "admin.integration.settings", "enabled_at": THEN}),
        (
            "accounts",
            {
                "id": one,
                "email": f"admin{one}@example.com",
                "email_key": f"admin{one}@example.com",
                "name": "Ann Admin",
                "theme": "dark",
                "demo": False,
                "created_at": THEN,
            },
        ),
        (
            "roles",
            {
                "id": one,
                **mine,
                "key": "administrator",
                "name": "Administrator",
                "description": "All",
                "undeletable": True,
                "position": 1,
            },
        ),
        *(("role_permissions", {"role_id": one, "permission": permission}) for permission in permissions),
        ("teams", {"id": one, **mine, "parent_id": None, "level": 1, "name": f"Old House {one}"}),
        ("teams", {"id": 1000 + one, **mine, "parent_id": one, "level": 2, "name": "Leeds"}),
        (
            "integrations",
            {
                "id": one,
                **mine,
                "platform": "intercom",
                "connection": "connected",
                "credentials": credentials,
                "site": "us",
                "remote_account_id": "workspace-1",
                "remote_account_name": "Workspace One",
                "connected_at": THEN,
                "created_at": THEN,
            },
        ),
        (
            "user_syncs",
            {
                "integration_id": one,
                "enabled": True,
                "enabled_at": THEN,
                "shrink_percent": 20,
                "shrink_people": 5,
                "next_run_at": THEN,
                "last_success_at": THEN,
                "last_imported_at": THEN,
                "last_imported": 5,
                "failures": 0,
            },
        ),
        ("users", _user(one, one, "Ann Admin", "ann.admin", "active") | {"account_id": one}),
        *(
            ("users", _user(one, 100 * one + n, name, f"person.{n}", "active" if n < 2 else "pending"))
            for n, name in enumerate(PEOPLE)
        ),
        ("user_roles", {"user_id": one, "role_id": one, **mine}),
        ("user_teams", {"user_id": 100 * one, "team_id": 1000 + one, **mine}),
        ("reporting_access", {"user_id": one, "team_id": one, **mine}),
        *(("people", _person(one, n, name)) for n, name in enumerate(PEOPLE)),
        (
            "sync_runs",
            {
                "id": one,
                **mine,
                "integration_id": one,
                "trigger": "enable",
                "requested_by": "Ann Admin",
                "state": "completed",
                "stage": "finish",
                "queued_at": THEN,
                "started_at": THEN,
                "finished_at": THEN,
                "attempt": 1,
                "fence": 1,
                "done": 5,
                "total": 5,
                "found": 5,
                "imported": 5,
                "linked": 0,
                "renamed": 0,
                "unchanged": 0,
                "left_out": 0,
                "conflicts": 0,
                "missing": 0,
                "returned": 0,
                "approved": False,
                "message": "5 people were imported.",
                "timeline": "[]",
            },
        ),
        *(
            (
                "sync_changes",
                {
                    "id": 100 * one + n,
                    "run_id": one,
                    "kind": "imported",
                    "remote_id": f"r{n}",
                    "person_name": name,
                    "user_id": 100 * one + n,
                },
            )
            for n, name in enumerate(PEOPLE)
        ),
        (
            "sync_requests",
            {
                "id": one,
                "run_id": one,
                "at": THEN,
                "method": "GET",
                "path": "/admins",
                "status": 200,
                "milliseconds": 12,
            },
        ),
        (
            "audit_events",
            {
                "id": one,
                **mine,
                "at": THEN,
                "actor": "Ann Admin",
                "actor_id": one,
                "action": "users.activated",
                "target": "2 users",
                "target_type": "users",
                "details": "{}",
            },
        ),
        ("heartbeats", {"name": f"worker {one}", "seen_at": THEN}),
    ]


def _user(one: int, user_id: int, name: str, username: str, status: str) -> dict[str, Any]:
    email = f"{username}@example.com"
    return {
        "id": user_id, "contract_id": one,
        "status": status, "status_since": THEN, "name": name, "name_key": name.casefold(),
        "username": username, "username_key": username, "email": email, "email_key": email,
        "search_key": f"{name.casefold()}\n{username}\n{email}\n", "created_at": THEN, "changed_at": THEN,
    }  # fmt: skip


def _person(one: int, number: int, name: str) -> dict[str, Any]:
    return {
        "id": 100 * one + number, "contract_id": one, "integration_id": one,
        "remote_id": f"r{number}", "revision": bytes([number]) * 16,
        "name": name, "email": f"person.{number}@example.com", "attributes": "{}", "outcome": "linked",
        "user_id": 100 * one + number, "first_seen_at": THEN, "missing_since": THEN if name == "Gone Already" else None,
    }  # fmt: skip


def fill(connection: sa.Connection, one: int, credentials: str, permissions: list[str]) -> dict[str, int]:
    """Write the rows of the contract ``one``; how many each table got."""
    counts: dict[str, int] = {}
    tables = sa.MetaData()
    for name, row in rows(one, credentials, permissions):
        table = tables.tables.get(name)
        if table is None:
            table = sa.Table(name, tables, autoload_with=connection, resolve_fks=False)
        values = {key: _plain(value, connection) for key, value in row.items() if key in table.c}
        text = ", ".join(f":{key}" for key in values)
        connection.execute(sa.text(f"INSERT INTO {name} ({', '.join(values)}) VALUES ({text})"), values)
        counts[name] = counts.get(name, 0) + 1
    if connection.dialect.name == "postgresql":
        for name in counts:
            if "id" in tables.tables[name].c:
                ahead = sa.text(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                )
                connection.execute(ahead)
    return counts


def _plain(value: Any, connection: sa.Connection) -> Any:
    """As each version has written it: SQLite has naive UTC text for moments."""
    if isinstance(value, datetime) and connection.dialect.name == "sqlite":
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value
