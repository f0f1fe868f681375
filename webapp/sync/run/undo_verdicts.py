"""What undoing a run would do to each of its changes, judged by the database: one verdict a line.

A change goes back only while it is still as the run left it. What the run saw of the platform (who is listed,
who is gone, who was left out or in conflict) is no change of ours and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.core.models import Person, SyncChange, SyncRun, User, db, table_of

UNDOABLE = ("imported", "linked", "renamed")  # kinds of lines that changed somebody here

REMOVE, RENAME, UNLINK, ALREADY = "remove", "rename", "unlink", "already"
GOES_BACK = (REMOVE, UNLINK, RENAME)
STAYS = (
    "user_active", "user_inactive", "user_ignored", "has_account", "set_up", "other_platform", "in_use", "edited",
    "relinked", "renamed_since", "named_elsewhere", "later_run", "user_gone",
)  # fmt: skip


def judged(run: SyncRun, ids: Sequence[int] | None = None) -> sa.Subquery[Any]:
    """Every undoable line of ``run`` (or those of ``ids``) with its ``verdict``, and what undoing it needs to know."""
    line, person, user = SyncChange, Person, User
    verdict = sa.case(
        (line.kind == "imported", _import_verdict(run)),
        (line.kind == "linked", _link_verdict()),
        else_=_rename_verdict(run),
    )
    also_imported = aliased(SyncChange)
    return (
        sa.select(
            line.id.label("line_id"),
            line.kind,
            line.remote_id,
            line.person_name,
            line.person_email,
            line.before,
            line.after,
            line.detail,
            user.id.label("user_id"),
            user.name.label("name_now"),
            sa.case((person.user_id == user.id, person.id)).label("person_id"),
            _made_here(run).label("person_new"),
            _link_is_ours(run).label("link_goes"),
            verdict.label("verdict"),
        )
        .outerjoin(user, user.id == line.user_id)
        .outerjoin(
            person,
            sa.and_(person.integration_id == run.integration_id, person.remote_id == line.remote_id),
        )
        .where(
            line.run_id == run.id,
            line.kind.in_(UNDOABLE),
            sa.true() if ids is None else line.id.in_(ids),
            ~sa.and_(  # imported and, after an interruption, renamed: the import is what goes back
                line.kind == "renamed",
                sa.exists()
                .where(
                    also_imported.run_id == run.id,
                    also_imported.remote_id == line.remote_id,
                    also_imported.kind == "imported",
                )
                .correlate(line),
            ),
        )
        .subquery()
    )


def _made_here(run: SyncRun) -> sa.ColumnElement[bool]:
    """Whether the person was met for the first time in ``run``."""
    return sa.func.coalesce(Person.first_seen_at.between(run.started_at, run.finished_at), sa.false())


def _link_is_ours(run: SyncRun) -> sa.ColumnElement[bool]:
    """Whether the person is linked to the user of the line, and ``run`` made the link."""
    return sa.func.coalesce(
        sa.and_(
            Person.user_id == User.id,
            sa.or_(
                SyncChange.kind != "renamed",
                SyncChange.detail["was"].as_string().is_not(None),
                _made_here(run),
            ),
        ),
        sa.false(),
    )


def _import_verdict(run: SyncRun) -> sa.ColumnElement[str]:
    renamed = aliased(SyncChange)
    known_name = sa.or_(
        User.name == SyncChange.person_name,
        sa.exists()
        .where(
            renamed.run_id == run.id,
            renamed.remote_id == SyncChange.remote_id,
            renamed.kind == "renamed",
            renamed.after == User.name,
        )
        .correlate(SyncChange, User),
    )
    as_imported = sa.and_(
        known_name,
        User.email.is_not_distinct_from(SyncChange.person_email),
        User.third_party_id.is_not_distinct_from(SyncChange.remote_id),
        sa.or_(
            User.username == User.email,
            User.username == SyncChange.remote_id,
            User.username == SyncChange.detail["username"].as_string(),
        ),
    )
    return sa.case(
        (User.id.is_(None), ALREADY),
        (User.status == "active", "user_active"),
        (User.status == "inactive", "user_inactive"),
        (User.status == "ignored", "user_ignored"),
        (User.account_id.is_not(None), "has_account"),
        (_hangs_on_user(SET_UP), "set_up"),
        (_linked_elsewhere(run), "other_platform"),
        (_hangs_on_user(None), "in_use"),
        (Person.user_id != User.id, "relinked"),
        (~sa.func.coalesce(as_imported, sa.false()), "edited"),
        else_=REMOVE,
    )


def _link_verdict() -> sa.ColumnElement[str]:
    return sa.case(
        (sa.or_(User.id.is_(None), Person.user_id.is_(None)), ALREADY),
        (Person.user_id != User.id, "relinked"),
        (_done_again_later(), "later_run"),
        else_=UNLINK,
    )


def _rename_verdict(run: SyncRun) -> sa.ColumnElement[str]:
    return sa.case(
        (User.id.is_(None), "user_gone"),
        (sa.and_(User.name == SyncChange.before, ~_link_is_ours(run)), ALREADY),
        (User.name.not_in((SyncChange.before, SyncChange.after)), "renamed_since"),
        (
            sa.and_(
                User.name == SyncChange.after,
                User.named_by_integration_id.is_not(None),
                User.named_by_integration_id != run.integration_id,
            ),
            "named_elsewhere",
        ),
        (_done_again_later(), "later_run"),
        (User.name == SyncChange.before, UNLINK),
        else_=RENAME,
    )


def _done_again_later() -> sa.ColumnElement[bool]:
    """Whether a later run did the same to the user again, and that was not undone: it belongs to that run."""
    later, undone = aliased(SyncChange), aliased(SyncChange)
    later_run, undo = aliased(SyncRun), aliased(SyncRun)
    taken_back = (
        sa.exists()
        .where(
            undo.undoes_id == later.run_id,
            undone.run_id == undo.id,
            undone.remote_id == later.remote_id,
            undone.kind.in_(("unlinked", "renamed")),
        )
        .correlate(later)
    )
    return (
        sa.exists()
        .where(
            later.user_id == SyncChange.user_id,
            later.kind == SyncChange.kind,
            later.run_id > SyncChange.run_id,
            later_run.id == later.run_id,
            ~later_run.preview,
            ~later_run.proposed,
            later_run.trigger != "undo",
            ~taken_back,
        )
        .correlate(SyncChange)
    )


SET_UP = ("user_roles", "user_teams", "reporting_access")
HISTORY = ("sync_changes", "merge_proposals")  # these forget the user
LINKS = ("people",)  # looked at by themselves


def _hangs_on_user(tables: Sequence[str] | None) -> sa.ColumnElement[bool]:
    """Whether rows of ``tables`` refer to the user; ``None``: of any other table, also of one yet to come."""
    found: list[sa.ColumnElement[bool]] = []
    users = table_of(User)
    for table in db.metadata.sorted_tables:
        wanted = table.name not in (*SET_UP, *HISTORY, *LINKS) if tables is None else table.name in tables
        if not wanted:
            continue
        columns = {key.parent.name for key in table.foreign_keys if key.column is users.c.id}
        for name in sorted(columns):
            other = table.alias()
            found.append(sa.exists().where(other.c[name] == User.id).correlate(User))
    return sa.or_(sa.false(), *found)


def _linked_elsewhere(run: SyncRun) -> sa.ColumnElement[bool]:
    """Whether somebody else, there or in another platform, is the same user."""
    other = aliased(Person)
    return (
        sa.exists()
        .where(
            other.user_id == User.id,
            sa.or_(other.integration_id != run.integration_id, other.remote_id != SyncChange.remote_id),
        )
        .correlate(User, SyncChange)
    )


@dataclass(frozen=True)
class Summary:
    """How many lines have each verdict, and a stamp that is another one as soon as any of them has changed."""

    counts: dict[str, int]
    stamp: str

    @property
    def going(self) -> int:
        return sum(self.counts.get(verdict, 0) for verdict in GOES_BACK)

    @property
    def staying(self) -> int:
        return sum(self.counts.get(verdict, 0) for verdict in STAYS)


def summary(connection: Any, run: SyncRun) -> Summary:
    """The verdicts of a run's lines in one statement. ``connection`` may be a session."""
    lines = judged(run)
    rows = connection.execute(
        sa.select(
            lines.c.verdict,
            sa.func.count(),
            sa.func.sum(lines.c.line_id),
            sa.func.sum((lines.c.line_id % 99_991) * (lines.c.line_id % 99_989)),
        ).group_by(lines.c.verdict)
    ).all()
    stamp = "-".join(f"{verdict}.{count}.{total}.{mix}" for verdict, count, total, mix in sorted(rows))
    return Summary({row[0]: row[1] for row in rows}, f"{run.id}-{stamp}")


def line_ids(connection: sa.Connection, run_id: int, size: int, *, below: int | None = None) -> list[int]:
    """The next ``size`` undoable lines of a run ``below`` an ID, the newest first."""
    statement = sa.select(SyncChange.id).where(SyncChange.run_id == run_id, SyncChange.kind.in_(UNDOABLE))
    if below is not None:
        statement = statement.where(SyncChange.id < below)
    return list(connection.scalars(statement.order_by(SyncChange.id.desc()).limit(size)))
