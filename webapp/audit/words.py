"""What the audit log calls things: groups of actions, kinds of targets, and details in words. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from webapp.audit.trail import ACTIONS, IDS

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


def in_group(value: str) -> list[str]:
    """The actions that a choice of the filter means: a group (“users.”) or one of them."""
    if value.endswith("."):
        return [action for action in ACTIONS if action.startswith(value)] or [value]
    return [value]


def action_options(used: Collection[str]) -> Options:
    """The choices of the filter for the actions that were ``used``: by group, with all of it where it has several."""
    options: Options = []
    known = [action for action in ACTIONS if action in used]
    for group in sorted({group_of(action) for action in known}, key=group_label):
        members = [action for action in known if group_of(action) == group]
        label = group_label(group)
        if len(members) > 1:
            options.append((f"{group}.", f"{label}: everything"))
        options += [(action, f"{label}: {action_text(action).rstrip(':,').lower()}") for action in members]
    return options


def details_of(details: dict[str, Any] | None) -> list[Detail]:
    """What an entry says besides, without what only machines read."""
    return [_detail(label, value) for label, value in (details or {}).items() if label != IDS]


def _detail(label: str, value: Any) -> Detail:
    label = " ".join("ID" if word == "id" else word for word in label.replace("_", " ").split(" "))
    label = label[:1].upper() + label[1:]
    if isinstance(value, dict) and value.keys() == {"before", "after"}:
        return label, text_of(value["before"]), text_of(value["after"])
    return label, None, text_of(value)


def text_of(value: Any) -> str:
    """A value of ``details`` in words."""
    if isinstance(value, list):
        return ", ".join(text_of(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {text_of(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= 10_000:
        return f"{value:,}"
    return "" if value is None else str(value)
