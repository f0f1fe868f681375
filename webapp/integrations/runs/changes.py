"""One run in full: its changes by kind, search and page, worded for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.match_keys import match_key
from webapp.core.models import SyncChange, SyncRequest, SyncRun, User, db
from webapp.sync.run.change_words import KIND_LABELS, REASON_WORDS, ChangeRow
from webapp.web.paging import Page, page_of

DIFFERS = "differs"  # a filter: with whom the saved settings would do something else


@dataclass(frozen=True)
class Filters:
    """Which of a run's changes are wanted; ``None`` and an empty text mean any."""

    kind: str | None = None
    reason: str | None = None
    q: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filters:
        """Those in an address; a kind or reason that there is none of counts as any."""
        kind, reason = given.get("kind"), given.get("reason")
        return cls(
            kind if kind in (*KIND_LABELS, DIFFERS) else None,
            reason if reason in REASON_WORDS else None,
            given.get("q", "").strip()[:200],
        )

    def conditions(self, run: SyncRun) -> list[sa.ColumnElement[bool]]:
        """``q`` is looked for in name, email and ID, literally."""
        found = [SyncChange.run_id == run.id]
        if self.kind == DIFFERS:
            found.append(SyncChange.saved_kind.is_not(None))
        elif self.kind is not None:
            found.append(SyncChange.kind == self.kind)
        if self.reason is not None:
            found.append(SyncChange.reason == self.reason)
        needle = match_key(self.q)
        if needle:
            found.append(
                sa.or_(
                    *(
                        sa.func.lower(column).contains(needle, autoescape=True)
                        for column in (SyncChange.person_name, SyncChange.person_email, SyncChange.remote_id)
                    )
                )
            )
        return found


def changes_of(
    run: SyncRun, filters: Filters, user_url: Callable[[int], str | None]
) -> tuple[list[ChangeRow], Page]:
    """A page of the run's changes as they were made."""
    conditions = filters.conditions(run)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(SyncChange).where(*conditions)) or 0
    page = page_of(total)
    changes = db.session.scalars(
        sa.select(SyncChange).where(*conditions).order_by(SyncChange.id).limit(page.size).offset(page.offset)
    ).all()
    return worded(db.session(), run, changes, user_url), page


def worded(
    session: Session,
    run: SyncRun,
    changes: Sequence[SyncChange],
    user_url: Callable[[int], str | None] = lambda _: None,
) -> list[ChangeRow]:
    """The changes in words, in one statement for all of them."""
    wanted = {user for change in changes for user in (change.detail or {}).get("candidates", [])}
    names: dict[int, str] = {}
    if wanted:
        names = dict(
            session.execute(
                sa.select(User.id, User.name).where(User.contract_id == run.contract_id, User.id.in_(wanted))
            ).all()
        )
    return [
        ChangeRow(
            change,
            [names[user] for user in (change.detail or {}).get("candidates", []) if user in names],
            user_url(change.user_id) if change.user_id is not None else None,
            proposed=run.preview or run.proposed,
        )
        for change in changes
    ]


def counts_by_kind(run: SyncRun) -> dict[str, int]:
    """How many changes of each kind the run has."""
    return dict(
        db.session.execute(
            sa.select(SyncChange.kind, sa.func.count())
            .where(SyncChange.run_id == run.id)
            .group_by(SyncChange.kind)
        ).all()
    )


def differing(run: SyncRun) -> int:
    """With how many people the saved settings would do something else than the preview."""
    return (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(SyncChange)
            .where(SyncChange.run_id == run.id, SyncChange.saved_kind.is_not(None))
        )
        or 0
    )


def reasons_of(run: SyncRun) -> list[tuple[str, str]]:
    """The reasons that occur in a run, for the filter: pairs of value and text."""
    found = db.session.scalars(
        sa.select(SyncChange.reason)
        .where(SyncChange.run_id == run.id, SyncChange.reason.is_not(None))
        .distinct()
        .order_by(SyncChange.reason)
    )
    return [(reason, REASON_WORDS[reason][0]) for reason in found if reason in REASON_WORDS]


def calls_in_words(run: SyncRun) -> str:
    """“3 calls, all GET”, counted in what was recorded."""
    rows = db.session.execute(
        sa.select(SyncRequest.method, sa.func.count())
        .where(SyncRequest.run_id == run.id)
        .group_by(SyncRequest.method)
        .order_by(SyncRequest.method)
    ).all()
    total = sum(count for _, count in rows)
    calls = "1 call" if total == 1 else f"{total:,} calls"
    if [method for method, _ in rows] == ["GET"]:
        return f"{calls}, {'a GET, which only reads' if total == 1 else 'all GET, which only reads'}"
    return f"{calls}: {', '.join(f'{count:,} {method}' for method, count in rows)}"


def calls_of(run: SyncRun) -> Sequence[SyncRequest]:
    """The calls the run made, in order."""
    return db.session.scalars(
        sa.select(SyncRequest).where(SyncRequest.run_id == run.id).order_by(SyncRequest.id).limit(500)
    ).all()


def counters(run: SyncRun, lines: dict[str, int]) -> list[dict[str, Any]]:
    """The strip of figures: those before “Missing” add up to the first; for an undo all after the first do.

    What a held run would do is counted by its ``lines`` (kind to number); its own counters say what was done.
    """
    if run.undoes_id is not None:
        return [
            {"label": label, "value": value, "kind": kind}
            for label, value, kind in (
                ("Changes", run.found, None),
                ("Removed again", run.removed, "removed"),
                ("Name put back", run.renamed, "renamed"),
                ("Unlinked", run.unlinked, "unlinked"),
                ("Kept", run.left_out, "left_out"),
                ("Already undone", run.unchanged, None),
            )
        ]
    held = run.proposed and not run.preview
    done = {
        "imported": run.imported,
        "linked": run.linked,
        "renamed": run.renamed,
        "left_out": run.left_out,
        "conflict": run.conflicts,
        "missing": run.missing,
        "returned": run.returned,
    }
    count = {kind: lines.get(kind, 0) for kind in done} if held else done
    settled = sum(count[kind] for kind in ("imported", "linked", "renamed", "left_out", "conflict"))
    unchanged = max(0, run.found - settled) if held else run.unchanged
    would = run.preview or held
    pairs = [
        ("Found", run.found, None),
        ("To import" if would else "Imported", count["imported"], "imported"),
        ("To recognise" if would else "Recognised", count["linked"], "linked"),
        ("To rename" if would else "Renamed", count["renamed"], "renamed"),
        ("Unchanged", unchanged, None),
        ("Left out", count["left_out"], "left_out"),
        ("Conflicts", count["conflict"], "conflict"),
        ("Missing", count["missing"], "missing"),
    ]
    if count["returned"]:
        pairs.append(("Back again", count["returned"], "returned"))
    return [{"label": label, "value": value, "kind": kind} for label, value, kind in pairs]
