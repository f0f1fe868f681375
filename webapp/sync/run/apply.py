"""Writing a plan: batches of set-based statements, each with its change rows, under a live lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from webapp.core.bulk_rows import insert_rows
from webapp.core.database import writing
from webapp.core.match_keys import SEARCH_MAX, USER_KEYS, match_key, user_keys
from webapp.core.models import Integration, Person, SyncChange, SyncRun, User, table_of, utcnow
from webapp.core.trouble import trouble_of
from webapp.core.turns import let_others_in
from webapp.sync.plan.types import NAME_MAX, Kind, Plan, Reason, Step
from webapp.sync.run.again import NO_TROUBLE
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.lease import Lease, renew
from webapp.sync.run.undo_data import former

LINKED_ELSEWHERE = (Reason.ALREADY_LINKED, Reason.CAME_BACK)

# Kinds that are counted batch by batch; the other counters follow from the plan when the run ends.
COUNTED = {Kind.IMPORT: "imported", Kind.LINK: "linked", Kind.RENAME: "renamed", Kind.MISSING: "missing"}


@dataclass(frozen=True)
class Target:
    """Which integration of which contract a plan is applied to, and the ``link_changes`` it was made at.

    ``still_so`` tells which steps hold although there were more of those since.
    """

    contract_id: int
    integration_id: int
    link_changes: int
    still_so: Callable[[sa.Connection, Sequence[Step]], list[Step]]


class Outdated(Exception):
    """Something changed here since the plan was made (a username was taken, say) or is being changed; plan again.

    ``progress``: whether somebody was changed as planned before.
    """

    def __init__(self, *, progress: bool) -> None:
        super().__init__()
        self.progress = progress


def apply_plan(engine: sa.Engine, lease: Lease, target: Target, plan: Plan, batches: Batches) -> None:
    """Write every step of ``plan``, one transaction a batch.

    Raises :class:`~webapp.sync.run.lease.LeaseLost`, :class:`~webapp.sync.run.lease.CancelRequested` or
    :class:`Outdated`, that one also at the end when steps were passed over that hold no more; what was committed
    before stays, and a new plan goes on from there.
    """
    size, start = batches.first, 0
    progress = passed_over = False
    while start < len(plan.steps):
        steps = plan.steps[start : start + size]
        began = time.monotonic()
        try:
            with writing(), engine.begin() as connection:
                written = _apply_batch(connection, lease, target, steps)
        except sa.exc.IntegrityError as error:
            raise Outdated(progress=progress) from error
        except sa.exc.DBAPIError as error:
            trouble = trouble_of(error)
            if trouble is None or not trouble.contended:
                raise
            raise Outdated(progress=progress) from error
        progress = progress or any(step.kind in COUNTED for step in written)
        passed_over = passed_over or len(written) < len(steps)
        start += len(steps)
        size = batches.after(size, time.monotonic() - began)
        let_others_in(engine)
    if passed_over:
        raise Outdated(progress=progress)


def _apply_batch(
    connection: sa.Connection, lease: Lease, target: Target, planned: Sequence[Step]
) -> Sequence[Step]:
    """Write those of the ``planned`` steps that hold; which they are."""
    steps = planned if _nothing_changed(connection, target) else target.still_so(connection, planned)
    counts = {column: sum(step.kind is kind for step in steps) for kind, column in COUNTED.items()}
    counts["returned"] = sum(step.returned for step in steps)
    did = {column: getattr(SyncRun, column) + count for column, count in counts.items() if count}
    renew(connection, lease, {"done": SyncRun.done + len(steps)} | did | (NO_TROUBLE if did else {}))
    _forget_plans(connection)
    now = utcnow()
    was = former(connection, target.integration_id, steps)
    imports = [step for step in steps if step.kind is Kind.IMPORT]
    user_ids = dict(
        zip((step.remote_id for step in imports), _next_ids(connection, len(imports)), strict=True)
    )
    _import(connection, target, imports, user_ids, now)
    _rename(connection, target, [step for step in steps if step.kind is Kind.RENAME], now)
    _remember(connection, target, steps, user_ids, now)
    write_changes(connection, lease.run_id, steps, user_ids, was)
    return steps


def _nothing_changed(connection: sa.Connection, target: Target) -> bool:
    """Whether nobody merged users, changed one or moved a link since the plan was made.

    Nobody can until this batch is through. The integration is locked before the run, as everybody does.
    """
    now = connection.scalar(
        sa.select(Integration.link_changes)
        .where(Integration.id == target.integration_id)
        .with_for_update(read=True)
    )
    return now == target.link_changes


def _forget_plans(connection: sa.Connection) -> None:
    """Let Postgres plan its checks of foreign keys anew, for tables as large as they are now.

    It keeps such a plan as long as the connection, and one made for an all but empty table reads every user of
    the contract for each newcomer.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DISCARD PLANS")


def _next_ids(connection: sa.Connection, count: int) -> list[int]:
    """``count`` unused user IDs. SQLite's write lock is ours here; Postgres hands out its sequence."""
    if count == 0:
        return []
    if connection.dialect.name == "sqlite":
        highest = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'users'")) or 0
        return list(range(highest + 1, highest + 1 + count))
    return list(
        connection.scalars(
            sa.text("SELECT nextval(pg_get_serial_sequence('users', 'id')) FROM generate_series(1, :count)"),
            {"count": count},
        )
    )


_USER_COLUMNS = ("id", "name", "username", "email", "third_party_id", *USER_KEYS)


def _import(
    connection: sa.Connection, target: Target, steps: Sequence[Step], user_ids: dict[str, int], now: datetime
) -> None:
    """New pending users. The platform's ID is kept as third-party ID: matching and people look for it there."""
    rows = []
    for step in steps:
        username = step.username or step.remote_id
        keys = user_keys(name=step.name, username=username, email=step.email, third_party_id=step.remote_id)
        rows.append(
            (user_ids[step.remote_id], step.name, username, step.email, step.remote_id, *keys.values())
        )
    insert_rows(
        connection,
        table_of(User),
        _USER_COLUMNS,
        rows,
        {
            "contract_id": target.contract_id,
            "status": "pending",
            "status_since": now,
            "source_integration_id": target.integration_id,
            "named_by_integration_id": target.integration_id,
            "named_at": now,
            "created_at": now,
            "changed_at": now,
        },
    )


def _rename(connection: sa.Connection, target: Target, steps: Sequence[Step], now: datetime) -> None:
    """New names, in the order of the users' IDs, in which everyone else locks users too: no two can wait in a ring."""
    if not steps:
        return
    users = table_of(User)
    connection.execute(
        sa.update(users)
        .where(users.c.id == sa.bindparam("user"), users.c.contract_id == target.contract_id)
        .values(
            renamed_values(users)
            | {
                "named_by_integration_id": target.integration_id,
                "named_at": now,
                "changed_at": now,
            }
        ),
        [
            {"user": step.user_id, "new_name": step.after, "new_name_key": match_key(step.after) or ""}
            for step in sorted(steps, key=lambda step: step.user_id or 0)
        ],
    )


def renamed_values(users: sa.Table) -> dict[str, Any]:
    """The columns that follow from a new name, for rows with ``new_name`` and ``new_name_key``."""
    name_key = sa.bindparam("new_name_key", type_=sa.Text)
    line = "\n"
    others = [
        users.c.username_key,
        sa.func.coalesce(users.c.email_key, ""),
        sa.func.coalesce(users.c.third_party_key, ""),
    ]
    joined: sa.ColumnElement[str] = name_key
    for key in others:
        joined = joined + line + key
    return {
        "name": sa.bindparam("new_name"),
        "name_key": name_key,
        "search_key": sa.func.substr(joined, 1, SEARCH_MAX),
    }


def _remember(
    connection: sa.Connection, target: Target, steps: Sequence[Step], user_ids: dict[str, int], now: datetime
) -> None:
    """Bring the mirror of the platform up to date: new people, changed ones, those gone missing."""
    new: list[tuple[Any, ...]] = []
    changed: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for step in steps:
        if step.kind is Kind.MISSING:
            gone.append({"person": step.person_id})
            continue
        row = _mirror(step, step.user_id or user_ids.get(step.remote_id))
        if step.person_id is None:
            new.append((step.remote_id, *row))
        else:
            changed.append({"person": step.person_id} | dict(zip(_BOUND, row, strict=True)))
    people = table_of(Person)
    insert_rows(
        connection,
        people,
        ("remote_id", *_MIRRORED),
        new,
        {"contract_id": target.contract_id, "integration_id": target.integration_id, "first_seen_at": now},
    )
    if changed:
        connection.execute(
            sa.update(people)
            .where(people.c.id == sa.bindparam("person"))
            .values(
                {name: sa.bindparam(bound) for name, bound in zip(_MIRRORED, _BOUND, strict=True)}
                | {"missing_since": None}
            ),
            changed,
        )
    if gone:
        connection.execute(
            sa.update(people).where(people.c.id == sa.bindparam("person")).values(missing_since=now), gone
        )


_MIRRORED = ("revision", "name", "email", "attributes", "outcome", "reason", "detail", "user_id")
_BOUND = tuple(f"new_{name}" for name in _MIRRORED)


def _mirror(step: Step, user_id: int | None) -> tuple[Any, ...]:
    """What is remembered of a person. A missing or unusable name stays empty: it must never be written on."""
    person = step.person
    if person is None:
        raise ValueError(f"the step for {step.remote_id} has no person")
    name = (person.name or "").strip()
    attributes: dict[str, Any] = {"columns": person.columns}
    if person.team:
        attributes["team"] = person.team
    return (
        person.revision,
        name if len(name) <= NAME_MAX else "",
        step.email,
        attributes,
        step.kind.value if step.kind in (Kind.LEAVE_OUT, Kind.CONFLICT) else "linked",
        step.reason.value if step.reason else None,
        (_detail(step) or None) if step.kind is Kind.CONFLICT else None,
        user_id,
    )


_CHANGE_COLUMNS = (
    "kind", "remote_id", "person_name", "person_email", "user_id", "before", "after", "reason", "detail", "saved_kind"
)  # fmt: skip


def write_changes(
    connection: sa.Connection,
    run_id: int,
    steps: Sequence[Step],
    user_ids: Mapping[str, int],
    was: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    saved: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """The lines of the run's history; none for people of whom only the mirror changed.

    What an earlier attempt of the same run wrote already is passed over. ``was``: see :mod:`webapp.sync.run.undo_data`.
    ``saved`` (of a preview): what the saved settings would do, by the remote ID of those with whom they would do
    something else.
    """
    rows: list[tuple[Any, ...]] = []
    for step in steps:
        user_id = step.user_id or user_ids.get(step.remote_id)
        who = (step.remote_id, step.name, step.email, user_id)
        if step.kind is not Kind.REFRESH:
            reason = step.reason.value if step.reason else None
            detail = {**_detail(step), **was.get(step.remote_id, {})}
            others = detail or None, saved.get(step.remote_id)
            rows.append((step.kind.value, *who, step.before, step.after, reason, *others))
        if step.returned:
            rows.append(("returned", *who, None, None, None, None, None))
    insert_rows(
        connection,
        table_of(SyncChange),
        _CHANGE_COLUMNS,
        rows,
        {"run_id": run_id},
        pass_over=("run_id", "remote_id", "kind"),
    )


def _detail(step: Step) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    if step.inactive:
        detail["inactive"] = True
    if step.value is not None:
        detail["linked_to" if step.reason in LINKED_ELSEWHERE else "value"] = step.value
    if step.candidates:
        detail["candidates"] = list(step.candidates)
    if step.decided_by is not None and step.kind is not Kind.CONFLICT:
        detail["decided_by"] = step.decided_by
    return detail
