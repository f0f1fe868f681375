"""What the audit log calls things: groups of actions, kinds of targets, and details in words. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from webapp.core.audit.log import ACTIONS, EACH, IDS

Detail = tuple[str, str | None, str | None]  # label, before, after
Options = list[tuple[str, str]]  # pairs of value and text

# The part of an action before its full stop: what it is about.
GROUPS: dict[str, str] = {
    "account": "Accounts",
    "audit": "Audit log",
    "conflict": "Conflicts",
    "contract": "Contract",
    "exclusion": "Exclusions",
    "integration": "Platforms",
    "invitation": "Invitations",
    "leaver_rule": "Leaver rule",
    "notifications": "Notifications",
    "role": "Roles",
    "team": "Structure",
    "user_sync": "User sync",
    "users": "Users",
    "webhook": "Webhook",
}

DANGLING = ("of", "for", "from", "to", "as", "about", "into")  # what a target follows in the log

KINDS: dict[str, str] = {
    "account": "An account",
    "contract": "The contract",
    "feature": "A feature",
    "integration": "A platform",
    "person": "Someone in a platform",
    "role": "A role",
    "run": "A run",
    "team": "A team",
    "user": "One user",
    "users": "Several users",
    "webhook": "The webhook",
}


def group_of(action: str) -> str:
    return action.partition(".")[0]


def group_label(group: str) -> str:
    """The group's name; one that nobody named is called as it is written."""
    return GROUPS.get(group) or group.replace("_", " ").capitalize()


def kind_label(kind: str) -> str:
    return KINDS.get(kind) or kind.replace("_", " ").capitalize()


def action_text(action: str) -> str:
    return ACTIONS.get(action, action)


def without_target(text: str) -> str:
    """The words of an action where it is not said what it was done to: “Accepted the invitation”."""
    text = text.rstrip(":,")
    before, _, last = text.rpartition(" ")
    return before if last in DANGLING else text


def in_group(value: str) -> list[str]:
    """The actions that a choice of the filter means: a group (“users.”) or one of them."""
    if value.endswith("."):
        return [action for action in ACTIONS if action.startswith(value)] or [value]
    return [value]


def action_label(value: str) -> str:
    """A choice of the filter, an action or a group (“users.”), in words."""
    group, _, rest = value.partition(".")
    if not rest:
        return f"{group_label(group)}: everything"
    text = without_target(action_text(value))
    return f"{group_label(group)}: {text[:1].lower()}{text[1:]}"


def action_options(used: Collection[str]) -> Options:
    """The choices of the filter for the actions that were ``used``: by group, with all of it where it has several."""
    values: list[str] = []
    known = [action for action in ACTIONS if action in used]
    for group in sorted({group_of(action) for action in known}, key=group_label):
        members = [action for action in known if group_of(action) == group]
        values += [f"{group}.", *members] if len(members) > 1 else members
    return [(value, action_label(value)) for value in values]


def with_chosen(options: Options, value: str, label: str) -> Options:
    """``options`` with the one that is chosen, which an old address may name while there is none of it."""
    return options if not value or value in dict(options) else [*options, (value, label)]


def details_of(details: dict[str, Any] | None) -> list[Detail]:
    """What an entry says besides, without what only machines read."""
    said: list[Detail] = []
    for label, value in (details or {}).items():
        if label == EACH and (parts := parts_of(details)) == value:
            said += [
                (part["given"], None, text_of(part["users"]) if "users" in part else None) for part in parts
            ]
        elif label != IDS:
            said.append(_detail(label, value))
    return said


def parts_of(details: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What each of several got, of an entry that says so; early entries say it as text, which has no parts."""
    parts = (details or {}).get(EACH, [])
    return [part for part in parts if isinstance(part, dict)]


def _detail(label: str, value: Any) -> Detail:
    label = " ".join("ID" if word == "id" else word for word in label.replace("_", " ").split(" "))
    label = label[:1].upper() + label[1:]
    if isinstance(value, dict) and value.keys() == {"before", "after"}:
        return label, text_of(value["before"]), text_of(value["after"])
    return label, None, text_of(value)


def text_of(value: Any) -> str:
    """A value of ``details`` in words."""
    if isinstance(value, list):
        return ", ".join(text_of(one) for one in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {text_of(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= 10_000:
        return f"{value:,}"
    return "" if value is None else str(value)
