"""An answer in words: one verdict, and the steps from connection to outcome, each passed or the one that stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.core.models import User
from webapp.integrations.why.explain import Answer, Meant
from webapp.platforms.platform import Platform
from webapp.sync.run.change_words import REASON_WORDS

PASSED, STOPPED, TOLD, OPEN = "passed", "stopped", "told", "open"


@dataclass(frozen=True)
class Step:
    """One step. ``state``: passed, stopped, told (passed, with something to know) or open (not reached).

    ``facts`` are pairs of name and value; ``link`` is a text and where to go: a place, and an id where it has one.
    """

    title: str
    state: str
    text: str
    facts: Sequence[tuple[str, str]] = ()
    link: tuple[str, str, Any] | None = None


@dataclass(frozen=True)
class Standing:
    """What of the present matters for what the next run does.

    ``excluded_by`` says who excluded the person and when; ``None`` when that was taken back since.
    """

    enabled: bool
    held_run: int | None
    users: Mapping[int, User]
    excluded_by: str | None


@dataclass(frozen=True)
class Walk:
    """``kind`` colours the verdict: success, info or warning."""

    kind: str
    verdict: str
    steps: Sequence[Step]


def unanswered(platform: Platform, stage: str | None, message: str) -> list[Step]:
    """The steps of a question that failed at ``stage``."""
    connection = Step(
        "Connection", STOPPED, message, link=(f"See the connection to {platform.label}", "platform", None)
    )
    if stage in (None, "connect"):
        return [connection, *_not_reached("Fetch", "Scope", "Exclusion", "Match", "Outcome")]
    passed = Step("Connection", PASSED, f"{platform.label} let us in.")
    return [
        passed,
        Step("Fetch", STOPPED, message),
        *_not_reached("Scope", "Exclusion", "Match", "Outcome"),
    ]


def nobody(platform: Platform, answer: Answer, text: str) -> list[Step]:
    """The steps when nobody in the list is meant, or only people who are spelled alike."""
    return [
        _connection(platform, answer),
        Step(
            "Fetch",
            STOPPED,
            f"Nobody of the {_count(answer.found, platform)} in {platform.label} has “{text}” as a name, an email "
            f"or an ID, or as a part of one. Check the spelling, or whether they were added to this "
            f"{platform.account_word}.",
        ),
        *_not_reached("Scope", "Exclusion", "Match", "Outcome"),
    ]


def walked(platform: Platform, answer: Answer, meant: Meant, now: Standing) -> Walk:
    """The steps of one person of the list."""
    steps = [
        _connection(platform, answer),
        Step(
            "Fetch",
            PASSED,
            f"In the list of {_count(answer.found, platform)}.",
            [
                ("Name", meant.name),
                ("Email", meant.email or "None"),
                (f"{platform.label} ID", meant.remote_id),
                *([("Team or role there", meant.team)] if meant.team else []),
            ],
        ),
        _scope(platform, meant),
    ]
    if meant.set_aside:
        steps += _not_reached("Exclusion", "Match", "Outcome")
        return Walk("info", f"{meant.name} is left out: {_lower(REASON_WORDS[meant.set_aside][0])}.", steps)
    steps.append(_exclusion(meant, now))
    if answer.absent is not None:
        steps += [_absent(platform, answer), *_not_reached("Outcome")]
        return Walk("warning", f"No run gets as far as {meant.name}.", steps)
    if meant.types_out or meant.excluded:
        steps += _not_reached("Match")
    else:
        steps.append(_match(meant, now))
    steps.append(_outcome(meant, now))
    return Walk(*_verdict(meant, now), steps)


def _connection(platform: Platform, answer: Answer) -> Step:
    return Step("Connection", PASSED, f"{platform.label} let us in just now. It opens {answer.account}.")


def _scope(platform: Platform, meant: Meant) -> Step:
    if meant.set_aside:
        words = REASON_WORDS[meant.set_aside][0]
        return Step(
            "Scope", STOPPED, f"{words}. {platform.label} lists it beside people, and no run imports it."
        )
    if meant.types_out:
        return Step(
            "Scope",
            STOPPED,
            f"Left out by the user types chosen: {', '.join(meant.types_out)}. Tick the type to import them.",
            [("Types", ", ".join(meant.types))],
            ("Choose user types", "types", None),
        )
    if meant.types:
        return Step("Scope", PASSED, "Of a type that is imported.", [("Types", ", ".join(meant.types))])
    return Step("Scope", PASSED, f"A person, and everybody in {platform.label} who is one may be imported.")


def _exclusion(meant: Meant, now: Standing) -> Step:
    if not meant.excluded:
        return Step("Exclusion", PASSED, "Nobody has excluded them.")
    by = f" by {now.excluded_by}" if now.excluded_by else ""
    then = "Take it back to import them." if now.excluded_by else "It was taken back since; ask again."
    what = "Excluded by name" if meant.excluded == "person" else "Excluded by the pattern"
    facts = [] if meant.excluded == "person" else [("Pattern", meant.excluded)]
    return Step(
        "Exclusion",
        STOPPED,
        f"{what}{by}. {then}",
        facts,
        ("See exclusions", "exclusions", None),
    )


def _absent(platform: Platform, answer: Answer) -> Step:
    columns = ", ".join(answer.absent or []) or "none"
    return Step(
        "Match",
        STOPPED,
        f"Nobody in {platform.label} has the identifier column “{answer.column}”, so every run fails. Choose "
        f"one that exists: {columns}.",
        link=("Choose the identifier", "identifier", None),
    )


def _match(meant: Meant, now: Standing) -> Step:
    facts = list(meant.looked_for)
    like = [now.users[user].name for user in meant.fits or meant.candidates if user in now.users]
    if meant.kind in ("left_out", "conflict"):
        words, fix = REASON_WORDS[meant.reason or ""]
        if meant.value:
            facts.append(("Linked to ID" if meant.reason == "already_linked" else "Value", meant.value))
        if like:
            facts.append(("Matches", ", ".join(like)))
        link = (
            ("Decide it under Conflicts", "conflicts", meant.name)
            if meant.kind == "conflict"
            else ("Choose the identifier", "identifier", None)
            if meant.reason == "identifier_empty"
            else None
        )
        return Step("Match", STOPPED, f"{words}. {fix or ''}".strip(), facts, link)
    if meant.kind == "imported":
        decided = f" {meant.decided_by} decided that they are somebody new." if meant.decided_by else ""
        return Step("Match", PASSED, f"No user here has one of these values.{decided}", facts)
    user = now.users.get(meant.user_id or 0)
    name = user.name if user else "a user here"
    if not meant.linked:
        decided = f", as {meant.decided_by} decided" if meant.decided_by else ""
        return Step("Match", PASSED, f"Recognised as {name}{decided}.", facts)
    return Step("Match", PASSED, f"Linked to {name} since an earlier run, so nothing is compared any more.")


def _outcome(meant: Meant, now: Standing) -> Step:
    user = now.users.get(meant.user_id or 0)
    link = (f"Open {user.name}", "user", user.id) if user else None
    if meant.kind == "imported":
        facts = [("Username", meant.username)] if meant.username else []
        if not now.enabled:
            return Step(
                "Outcome",
                STOPPED,
                "Would be imported as a new pending user, but User sync is off. Enable it.",
                facts,
                ("Enable User sync", "sync", None),
            )
        if now.held_run is not None:
            return Step(
                "Outcome",
                STOPPED,
                f"Would be imported as a new pending user, but run {now.held_run} is held until somebody decides.",
                facts,
                (f"See run {now.held_run}", "run", now.held_run),
            )
        return Step(
            "Outcome",
            TOLD,
            "Imported as a new pending user by the next run. Sync now does it at once.",
            facts,
            ("Sync now on the User sync tab", "sync", None),
        )
    if meant.kind in ("left_out", "conflict"):
        stays = f" {user.name} here stays as they are." if user else ""
        return Step("Outcome", STOPPED, f"Not imported until the step above is dealt with.{stays}", link=link)
    facts = [("Name", f"{meant.before} → {meant.after}")] if meant.kind == "renamed" else []
    verb = {"renamed": "Renamed by the next run", "linked": "Linked by the next run"}.get(
        meant.kind or "", "Nothing is left to do"
    )
    where = f": {user.name} is {user.status}" if user else ""
    return Step("Outcome", PASSED, f"{verb}. Already here{where}.{_standing(user)}", facts, link)


def _standing(user: User | None) -> str:
    """What the user's status means for who looks for them."""
    return {
        "pending": " They wait to be activated and are listed under Pending.",
        "inactive": " They were deactivated and are listed under Inactive.",
        "ignored": " They are ignored and are listed under Ignored.",
    }.get(user.status if user else "", "")


def _verdict(meant: Meant, now: Standing) -> tuple[str, str]:
    user = now.users.get(meant.user_id or 0)
    if meant.kind == "imported":
        if now.enabled and now.held_run is None:
            return "success", f"{meant.name} is imported by the next run."
        return "warning", f"{meant.name} would be imported, but no run does it now."
    if meant.kind == "conflict":
        return "warning", f"{meant.name} is in conflict: {_lower(REASON_WORDS[meant.reason or ''][0])}."
    if meant.kind == "left_out":
        return "info", f"{meant.name} is left out: {_lower(REASON_WORDS[meant.reason or ''][0])}."
    if user is not None and user.status != "active":
        return "info", f"{meant.name} is here already, as the {user.status} user {user.name}."
    return "success", f"{meant.name} is here already{f', as {user.name}' if user else ''}."


def _not_reached(*titles: str) -> list[Step]:
    return [Step(title, OPEN, "Not reached.") for title in titles]


def _count(number: int, platform: Platform) -> str:
    return f"{number:,} {platform.person_word if number == 1 else platform.people_word}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
