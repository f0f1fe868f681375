"""How an undo ends: its state, and the sentence people read."""

from __future__ import annotations

from webapp.sync.run.outcome import Ending


def undone(run_id: int, counts: dict[str, int], reasons: dict[str, int], *, found: int) -> Ending:
    """The end of an undo of run ``run_id``; with warnings when somebody stays. ``counts``: its lines by their kind."""
    did = [
        f"{counts[kind]:,} {word}"
        for kind, word in (
            ("removed", "taken away again"),
            ("renamed", "called as before"),
            ("unlinked", "not linked any more"),
        )
        if counts.get(kind)
    ]
    kept = counts.get("left_out", 0)
    text = f"Run {run_id} is undone: {', '.join(did)}." if did else f"Nothing of run {run_id} could go back."
    if kept:
        text += f" {kept:,} had changed since and {'stays' if kept == 1 else 'stay'}."
    settled = sum(counts.get(kind, 0) for kind in ("removed", "renamed", "unlinked", "left_out"))
    return Ending(
        state="completed_with_warnings" if kept else "completed",
        message=text,
        title="Undone",
        kind="warn" if kept else "ok",
        values={
            "found": found,
            "removed": counts.get("removed", 0),
            "renamed": counts.get("renamed", 0),
            "unlinked": counts.get("unlinked", 0),
            "left_out": kept,
            "unchanged": max(0, found - settled),
            "reasons": reasons or None,
        },
    )


def stopped() -> Ending:
    """Somebody asked the undo to stop; how far it came is in its counters."""
    return Ending(
        state="cancelled",
        message="Stopped on request. What went back before stays so; undo the run again for the rest.",
        title="Stopped",
        kind="idle",
    )


def failed(reference: str) -> Ending:
    """A fault of our own; ``reference`` finds it in the log."""
    return Ending(
        state="failed",
        message=(
            "Something went wrong on our side. What went back before stays so; undo the run again for the rest. Tell "
            f"support the reference {reference} if it happens again."
        ),
        title="Failed",
        kind="bad",
        values={"error_kind": "unexpected", "reference": reference},
    )


def tried_long_enough(cause: str) -> Ending:
    """Trouble of ours did not pass within the time for which an undo is tried again; ``cause`` says which."""
    return Ending(
        state="failed",
        message=(
            f"{cause} This undo was tried again for an hour. What went back before stays so; undo the run again for "
            "the rest. Ask whoever runs the server to look at the database."
        ),
        title="Failed",
        kind="bad",
        values={"error_kind": "database"},
    )
