"""How a run ends: its state, and the sentence people read: what happened, what did not change, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from webapp.platforms.base import AccessDenied, BadResponse, ConnectorError, WrongAccount
from webapp.sync.plan.safeguard import Held, Shown


@dataclass(frozen=True)
class Ending:
    """The end of a run. ``kind`` colours its last line: ok, warn, bad or idle.

    ``passing``: what went wrong may be over soon, so a first import is tried again within its hour.
    """

    state: str
    message: str
    title: str = "Finished"
    kind: str = "ok"
    breaks_connection: bool = False
    passing: bool = False
    values: dict[str, Any] = field(default_factory=dict)


# reason: (one, many), each with {n} people
REASONS: dict[str, tuple[str, str]] = {
    "bot": ("1 bot was left out", "{n} bots were left out"),
    "not_a_person": (
        "1 entry that is not a person was left out",
        "{n} entries that are not people were left out",
    ),
    "excluded": ("1 person is excluded", "{n} people are excluded"),
    "excluded_email": (
        "1 person’s email address is excluded",
        "{n} people’s email addresses are excluded",
    ),
    "user_type": ("1 person is of a type that is left out", "{n} people are of types that are left out"),
    "identifier_empty": (
        "1 person has no value in the identifier column",
        "{n} people have no value in the identifier column",
    ),
    "name_too_long": ("1 name is longer than 255 characters", "{n} names are longer than 255 characters"),
    "email_too_long": (
        "1 email address is longer than 254 characters",
        "{n} email addresses are longer than 254 characters",
    ),
    "no_username": (
        "1 person has nothing that can be a username",
        "{n} people have nothing that can be a username",
    ),
    "several_users": ("1 person matches more than one user", "{n} people match more than one user"),
    "same_value": (
        "1 person shares their identifier with someone else",
        "{n} people share an identifier with someone else",
    ),
    "already_linked": (
        "1 person matches a user who is linked to someone else",
        "{n} people match users who are linked to someone else",
    ),
    "came_back": (
        "1 person seems to have come back under a new ID",
        "{n} people seem to have come back under new IDs",
    ),
    "username_taken": ("1 person’s username is taken here", "{n} people’s usernames are taken here"),
}
EXPECTED = frozenset(
    {"bot", "not_a_person", "user_type", "excluded", "excluded_email"}
)  # left out by rule: nothing for a person to do


DONE = (
    ("imported", "imported"),
    ("linked", "recognised"),
    ("renamed", "renamed"),
    ("missing", "no longer listed"),
    ("returned", "back again"),
)
WOULD_DO = (
    ("imported", "to import"),
    ("linked", "to recognise"),
    ("renamed", "to rename"),
    ("missing", "no longer listed"),
    ("returned", "back again"),
)


def finished(
    *,
    found: int,
    counts: Mapping[str, int],
    left_out: int,
    conflicts: int,
    reasons: dict[str, int],
    people_word: str,
    words: Sequence[tuple[str, str]] = DONE,
) -> Ending:
    """The end of a run that applied its plan; with warnings when it left something for a person to do.

    ``counts`` by the names of a run's counters; ``words`` say what each means.
    """
    troubles = [sentence(reason, count) for reason, count in reasons.items() if reason not in EXPECTED]
    did = [f"{counts[name]:,} {word}" for name, word in words if counts[name]]
    if did and left_out:
        did.append(f"{left_out:,} left out")
    everybody = counted(found, people_word)
    summary = f"{everybody}: {', '.join(did)}." if did else f"{everybody}, nothing to change."
    settled = counts["imported"] + counts["linked"] + counts["renamed"] + left_out + conflicts
    return Ending(
        state="completed_with_warnings" if troubles else "completed",
        message=" ".join([summary, *(f"{trouble}." for trouble in troubles)])[:1000],
        values={
            "found": found,
            "left_out": left_out,
            "conflicts": conflicts,
            "unchanged": max(0, found - settled),
            "reasons": reasons,
        },
    )


def previewed(
    *,
    found: int,
    counts: Mapping[str, int],
    left_out: int,
    conflicts: int,
    reasons: dict[str, int],
    people_word: str,
    held: Held | None,
    saved: dict[str, int] | None,
    fingerprint: str,
) -> Ending:
    """The end of a preview: what a run would do, and whether the safeguard would hold it.

    ``saved``: what the saved settings would do, where others were tried.
    """
    would = finished(
        found=found,
        counts=counts,
        left_out=left_out,
        conflicts=conflicts,
        reasons=reasons,
        people_word=people_word,
        words=WOULD_DO,
    )
    text = f"{would.message} The safeguard would hold this run." if held else would.message
    return Ending(
        state="completed_with_warnings" if held else would.state,
        message=text[:1000],
        title="Previewed",
        values=would.values
        | dict(counts)
        | {
            "fingerprint": fingerprint,
            "saved_counts": saved,
            "hold": msgspec.to_builtins(held) if held else None,
        },
    )


def not_as_previewed() -> Ending:
    return Ending(
        state="cancelled",
        message="Something has changed since the preview, there or here, so nothing was applied. Preview again.",
        title="Not as previewed",
        kind="idle",
    )


def sentence(reason: str, count: int) -> str:
    """“2 people match more than one user”."""
    one, many = REASONS[reason]
    return one if count == 1 else many.format(n=f"{count:,}")


def counted(count: int, people_word: str) -> str:
    """“1 teammate”, “2 teammates”; ``people_word`` is the plural, and takes its s away for one."""
    return f"{count:,} {people_word.removesuffix('s') if count == 1 else people_word}"


def why_held(held_: Held, people_word: str) -> str:
    """Which limits a list goes past, with the numbers, without a full stop."""
    if held_.empty:
        return f"The list of {people_word} came back empty"
    parts = []
    if held_.shrunk:
        parts.append(
            f"The list is much shorter than last time: {held_.gone:,} of {counted(held_.known, people_word)} "
            f"{'is' if held_.gone == 1 else 'are'} gone "
            f"({held_.gone_percent:.0f}%; the limit is {held_.percent}%)"
        )
    if held_.grown:
        here = f"{held_.linked:,} who {'is' if held_.linked == 1 else 'are'} here"
        text = (
            f"{held_.new:,} new users would come to the {here} "
            f"({held_.new_percent:.0f}%; the limit is {held_.growth_percent}%)"
        )
        parts.append(text if parts else f"Unusually many people are new: {text}")
    if held_.undone:
        text = (
            f"{held_.renamed:,} {'name' if held_.renamed == 1 else 'names'} would change and "
            f"{counted(held_.gone, people_word)} go missing, of {held_.known:,} "
            f"({held_.undone_percent:.0f}%; the limit is {held_.percent}%)"
        )
        parts.append(
            f"against the backup {text}"
            if parts
            else f"Rollcall was restored from a backup, and much of that would change: {text}"
        )
    return ", and ".join(parts)


ERROR_MAX = 700  # characters of what a platform says, so that what to do finds room behind it

NOBODY, SOME = "Nobody was changed.", "People dealt with before that keep their changes."


def _who_changed(applied: bool) -> str:
    """``applied``: an attempt before, whose worker died, had written a part already."""
    return SOME if applied else NOBODY


def held(
    held_: Held, shown: Shown, people_word: str, *, again: bool = False, applied: bool = False
) -> Ending:
    """The safeguard stopped the run before anything was written. ``again``: it was approved, but for less.

    ``applied``: an attempt before had written a part.
    """
    why = why_held(held_, people_word)
    text = f"{why}, so nothing more was changed. {SOME}" if applied else f"{why}, so nothing was changed."
    if again:
        text += " This goes beyond what was approved, so it needs another decision."
    return Ending(
        state="held",
        message=f"{text} An administrator decides whether to go on.",
        title="Held by the safeguard",
        kind="warn",
        values={"hold": msgspec.to_builtins(held_), "shown": msgspec.to_builtins(shown)},
    )


def cancelled() -> Ending:
    return Ending(
        state="cancelled",
        message="Stopped on request. What was written before stays; the next run does the rest.",
        title="Stopped",
        kind="idle",
    )


def not_runnable(reason: str, *, applied: bool = False) -> Ending:
    return Ending(
        state="cancelled", message=f"{reason} {_who_changed(applied)}", title="Not started", kind="idle"
    )


def identifier_absent(column: str, existing: list[str], *, applied: bool = False) -> Ending:
    listed = ", ".join(existing[:30]) or "none"
    return Ending(
        state="failed",
        message=(
            f"Nobody in the list has the identifier column “{column}”. {_who_changed(applied)} "
            f"Choose one of these columns, or leave it blank: {listed}."
        )[:1000],
        title="Failed",
        kind="bad",
        values={"error_kind": "identifier_absent"},
    )


def connector_failed(error: ConnectorError, *, applied: bool = False) -> Ending:
    """Reading failed: this attempt wrote nothing, because nothing is written before all has been read."""
    text = f"{str(error)[:ERROR_MAX]} {_who_changed(applied)}"
    if isinstance(error, AccessDenied | WrongAccount):
        return Ending(
            state="failed",
            message=f"{text} An administrator must reconnect to resume.",
            title="Failed",
            kind="bad",
            breaks_connection=True,
            values={"error_kind": "access_denied" if isinstance(error, AccessDenied) else "wrong_account"},
        )
    return Ending(
        state="failed",
        message=f"{text} The next scheduled run tries again; Sync now tries at once.",
        title="Failed",
        kind="bad",
        passing=True,
        values={"error_kind": "bad_response" if isinstance(error, BadResponse) else "unavailable"},
    )


def unexpected(reference: str) -> Ending:
    return Ending(
        state="failed",
        message=(
            "Something went wrong on our side. People dealt with before that keep their changes; the next run does "
            f"the rest. Tell support the reference {reference} if it happens again."
        ),
        title="Failed",
        kind="bad",
        passing=True,
        values={"error_kind": "unexpected", "reference": reference},
    )


def tried_long_enough(cause: str) -> Ending:
    """Trouble of ours that passes did not within the time for which a run is tried again; ``cause`` says which."""
    return Ending(
        state="failed",
        message=(
            f"{cause} This run was tried again for an hour. People dealt with before that keep their changes; the "
            "next run does the rest. Ask whoever runs the server to look at the database."
        ),
        title="Failed",
        kind="bad",
        passing=True,
        values={"error_kind": "database"},
    )


def abandoned(attempts: int) -> Ending:
    """The worker died in every attempt allowed."""
    return Ending(
        state="failed",
        message=(
            f"The worker stopped in the middle {attempts} times, so this run was given up. People dealt with before "
            "that keep their changes. Ask whoever runs the server to look at the worker’s log."
        ),
        title="Failed",
        kind="bad",
        values={"error_kind": "abandoned"},
    )
