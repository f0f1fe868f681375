"""Undoing a run: a run of its own that puts back what is still as the other one left it.

Each batch judges its lines anew under locks, changes, and writes its own lines, in one transaction under the lease.
A worker that dies leaves whole batches behind; whoever takes the undo up again finds them done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.core.bulk_rows import insert_rows
from webapp.core.database import writing
from webapp.core.match_keys import match_key
from webapp.core.models import Person, SyncChange, SyncRun, User, table_of, utcnow
from webapp.core.trouble import trouble_of
from webapp.core.turns import let_others_in
from webapp.sync.run import undo_outcome
from webapp.sync.run.again import NO_TROUBLE, passing, try_later
from webapp.sync.run.apply import renamed_values
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.lease import CancelRequested, Lease, LeaseLost, claim, renew
from webapp.sync.run.outcome import Ending
from webapp.sync.run.undo_verdicts import ALREADY, GOES_BACK, REMOVE, RENAME, UNLINK, judged, line_ids
from webapp.sync.schedule import webhook_events

log = logging.getLogger(__name__)

TRIES = 5  # for a batch whose users somebody else is working on

LINE_KINDS = {REMOVE: "removed", RENAME: "renamed", UNLINK: "unlinked"}
_COLUMNS = (
    "kind",
    "remote_id",
    "person_name",
    "person_email",
    "user_id",
    "before",
    "after",
    "reason",
    "detail",
)


@dataclass
class _Undo:
    """What one attempt carries along: the undo's own run and the one it takes back."""

    engine: sa.Engine
    lease: Lease
    integration_id: int
    run: SyncRun
    timeline: list[dict[str, Any]] = field(default_factory=list)

    def event(self, title: str, text: str = "", kind: str = "ok") -> None:
        self.timeline.append({"at": utcnow().isoformat(), "title": title, "text": text, "kind": kind})

    def stage(self, stage: str, **values: Any) -> None:
        with writing(), self.engine.begin() as connection:
            renew(connection, self.lease, {"stage": stage, "timeline": self.timeline} | values)


def undo_run(
    engine: sa.Engine, undo: SyncRun, undone: SyncRun, attempt: int, *, lease: timedelta, batches: Batches
) -> None:
    """Carry out ``attempt`` of ``undo``, which takes ``undone`` back. Harmless when it is not there to be taken."""
    taken = claim(engine, undo.id, attempt, lease)
    if taken is None:
        log.info("undo %s attempt %s is not there to be taken", undo.id, attempt)
        return
    work = _Undo(engine, taken, undo.integration_id, undone, list(undo.timeline or []))
    try:
        if undo.interruptions:
            work.event("Taken up again", "The worker before stopped in the middle; nothing was lost.", "warn")
        work.event("Started")
        _carry_out(work, batches)
    except LeaseLost:
        log.warning("undo %s: another worker took over, nothing more is written here", undo.id)
    except CancelRequested:
        _end(work, undo_outcome.stopped())
    except Exception as error:
        trouble = passing(error)
        if trouble is not None:
            if not try_later(engine, taken, trouble, work.timeline):
                _end(work, undo_outcome.tried_long_enough(trouble.sentence))
            return
        reference = f"RUN-{undo.id}-{attempt}"
        log.exception("undo %s failed (%s)", undo.id, reference)
        _end(work, undo_outcome.failed(reference))
        raise


def _carry_out(work: _Undo, batches: Batches) -> None:
    with work.engine.connect() as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(judged(work.run)))
    work.stage("apply", total=total or 0, done=0)
    size, below = batches.first, None
    while True:
        with work.engine.connect() as reading:
            ids = line_ids(reading, work.run.id, size, below=below)
        if not ids:
            break
        began = time.monotonic()
        _batch_with_patience(work, ids)
        below = ids[-1]
        size = batches.after(size, time.monotonic() - began)
        let_others_in(work.engine)
    work.stage("finish")
    _finish(work)


def _batch_with_patience(work: _Undo, ids: Sequence[int]) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            with writing(), work.engine.begin() as connection:
                _batch(connection, work, ids)
            return
        except sa.exc.DBAPIError as error:
            trouble = trouble_of(error)
            if trouble is None or not trouble.contended or not tries_left:
                raise
            log.info("undo %s: users are being changed here, trying the batch again", work.lease.run_id)
            time.sleep(0.2)


def _batch(connection: sa.Connection, work: _Undo, ids: Sequence[int]) -> None:
    renew(connection, work.lease)
    _lock_users(connection, ids)
    lines = judged(work.run, ids)
    rows = connection.execute(
        sa.select(lines)
        .where(lines.c.verdict != ALREADY, ~_dealt_with(lines, work.lease.run_id))
        .order_by(lines.c.line_id)
    ).all()
    going = [row for row in rows if row.verdict in GOES_BACK]
    _rename_back(connection, work, [row for row in going if row.verdict == RENAME])
    _take_links_back(connection, [row for row in going if row.link_goes])
    removed = [row.user_id for row in going if row.verdict == REMOVE]
    _write_lines(connection, work.lease.run_id, rows)
    if removed:
        connection.execute(sa.delete(User).where(User.id.in_(removed)))
    # with each batch, so that an undo which is stopped or given up tells how far it came
    kinds = [LINE_KINDS.get(row.verdict, "left_out") for row in rows]
    counts = {kind: getattr(SyncRun, kind) + kinds.count(kind) for kind in set(kinds)}
    did = NO_TROUBLE if going else {}
    renew(connection, work.lease, {"done": SyncRun.done + len(ids)} | counts | did)


def _dealt_with(lines: sa.Subquery[Any], run_id: int) -> sa.ColumnElement[bool]:
    """Whether this undo has a line about it already, of an attempt that was interrupted."""
    return (
        sa.exists()
        .where(
            SyncChange.run_id == run_id,
            SyncChange.remote_id == lines.c.remote_id,
            sa.or_(
                SyncChange.kind == "left_out",
                sa.and_(lines.c.kind == "renamed", SyncChange.kind == "renamed"),
                sa.and_(lines.c.kind == "linked", SyncChange.kind == "unlinked"),
            ),
        )
        .correlate(lines)
    )


def _lock_users(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Keep the users of these lines as they are, locked in the order of their IDs as by everybody."""
    users = sa.select(SyncChange.user_id).where(SyncChange.id.in_(ids), SyncChange.user_id.is_not(None))
    connection.execute(sa.select(User.id).where(User.id.in_(users)).order_by(User.id).with_for_update())


def _rename_back(connection: sa.Connection, work: _Undo, rows: Sequence[sa.Row[Any]]) -> None:
    if not rows:
        return
    users = table_of(User)
    now = utcnow()
    connection.execute(
        sa.update(users)
        .where(users.c.id == sa.bindparam("user"))
        .values(
            renamed_values(users)
            | {
                "named_by_integration_id": sa.bindparam("named_by"),
                "named_at": sa.bindparam("was_named_at", type_=users.c.named_at.type),
                "changed_at": now,
            }
        ),
        [
            {
                "user": row.user_id,
                "new_name": row.before,
                "new_name_key": match_key(row.before) or "",
                "named_by": (row.detail or {}).get("named_by", work.integration_id),
                "was_named_at": _time((row.detail or {}).get("named_at")),
            }
            for row in rows
        ],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _take_links_back(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> None:
    """Who was new there is forgotten, so that a run meets them anew; others are again what they had been."""
    if not rows:
        return
    people = table_of(Person)
    known = [row for row in rows if not row.person_new and (row.detail or {}).get("was")]
    kept = {row.person_id for row in known}
    forgotten = [row.person_id for row in rows if row.person_id not in kept]
    if forgotten:
        connection.execute(sa.delete(people).where(people.c.id.in_(forgotten)))
    if known:
        connection.execute(
            sa.update(people)
            .where(people.c.id == sa.bindparam("person"))
            .values(
                user_id=None,
                outcome=sa.bindparam("was_outcome"),
                reason=sa.bindparam("was_reason"),
                detail=sa.bindparam("was_detail", type_=people.c.detail.type),
            ),
            [
                {"person": row.person_id}
                | {f"was_{name}": row.detail["was"].get(name) for name in ("outcome", "reason", "detail")}
                for row in known
            ],
        )


def _write_lines(connection: sa.Connection, run_id: int, rows: Sequence[sa.Row[Any]]) -> None:
    """A line for everybody who went back or had to stay, with the reason."""
    written: list[tuple[Any, ...]] = []
    for row in rows:
        kind = LINE_KINDS.get(row.verdict, "left_out")
        before = after = reason = detail = None
        if kind == "left_out":
            reason = row.verdict
        elif kind == "renamed":
            before, after = row.after, row.before
            detail = {"unlinked": True} if row.link_goes else None
        user_id = None if kind == "removed" else row.user_id
        name = row.before if kind == "renamed" else row.person_name
        written.append((kind, row.remote_id, name, row.person_email, user_id, before, after, reason, detail))
    insert_rows(
        connection,
        table_of(SyncChange),
        _COLUMNS,
        written,
        {"run_id": run_id},
        pass_over=("run_id", "remote_id", "kind"),
    )


def _finish(work: _Undo) -> None:
    """The counters, from the lines, and the end of the undo, in one transaction."""
    with writing(), work.engine.begin() as connection:
        renew(connection, work.lease)
        counts = dict(
            connection.execute(
                sa.select(SyncChange.kind, sa.func.count())
                .where(SyncChange.run_id == work.lease.run_id)
                .group_by(SyncChange.kind)
            ).all()
        )
        reasons = {
            reason: count
            for reason, count in connection.execute(
                sa.select(SyncChange.reason, sa.func.count())
                .where(SyncChange.run_id == work.lease.run_id, SyncChange.reason.is_not(None))
                .group_by(SyncChange.reason)
                .order_by(SyncChange.reason)
            )
            if reason is not None
        }
        ended = undo_outcome.undone(
            work.run.id,
            counts,
            reasons,
            found=connection.scalar(
                sa.select(sa.func.count())
                .select_from(SyncChange)
                .where(
                    SyncChange.run_id == work.run.id, SyncChange.kind.in_(("imported", "linked", "renamed"))
                )
            )
            or 0,
        )
        work.event(ended.title, ended.message, ended.kind)
        _write_end(connection, work, ended)
    log.info("undo %s: %s: %s", work.lease.run_id, ended.state, ended.message)


def _end(work: _Undo, ended: Ending) -> None:
    work.event(ended.title, ended.message, ended.kind)
    with writing(), work.engine.begin() as connection:
        _write_end(connection, work, ended)


def _write_end(connection: sa.Connection, work: _Undo, ended: Ending) -> None:
    now = utcnow()
    updated = connection.execute(
        sa.update(SyncRun)
        .where(
            SyncRun.id == work.lease.run_id,
            SyncRun.fence == work.lease.fence,
            SyncRun.state == "running",
        )
        .values(
            {
                "state": ended.state,
                "message": ended.message[:1000],
                "finished_at": now,
                "lease_expires_at": None,
                "timeline": work.timeline,
            }
            | ended.values
        )
    )
    if updated.rowcount != 1:
        log.warning("undo %s: ended elsewhere meanwhile", work.lease.run_id)
        return
    webhook_events.run_ended(connection, work.lease.run_id, now)
