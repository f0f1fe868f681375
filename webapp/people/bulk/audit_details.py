"""What a batch gave to whom, in words: on pages, and as the audit log keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webapp.core.audit import log as audit_log
from webapp.core.id_ranges import ranges
from webapp.people.directory import bulk
from webapp.people.directory.directory import Directory
from webapp.people.directory.setup import SetUp


def set_up_in_words(set_up: SetUp, directory: Directory) -> str:
    """A set-up as part of a sentence: “Agent and Team Leader in Phone › Billing, sees Leeds”."""
    team = "".join(f" in {path}" for path in directory.team_paths([set_up.team or 0]))
    access = ", ".join(directory.team_paths(set_up.access))
    return " and ".join(directory.role_names(set_up.roles)) + team + (f", sees {access}" if access else "")


def given(
    ids: Sequence[int], names: Sequence[str], groups: Mapping[SetUp, Sequence[int]], directory: Directory
) -> dict[str, Any]:
    """Details of an audit row: what all got, or by set-up who got it. ``groups`` has the IDs of each set-up.

    ``names``: of everybody, which is at most a file of people; where all got the same the first are enough.
    """
    if len(groups) > 1:
        name_of = dict(zip(ids, names, strict=True))
        each = [
            {"given": set_up_in_words(set_up, directory)} | bulk.who(people, [name_of[one] for one in people])
            for set_up, people in groups.items()
        ]
        return {audit_log.EACH: each, audit_log.IDS: ranges(ids)}
    (set_up,) = groups
    same: dict[str, Any] = {"roles": directory.role_names(set_up.roles)}
    if set_up.team is not None:
        same["team"] = directory.team_paths([set_up.team])
    if set_up.access:
        same["reporting access"] = directory.team_paths(set_up.access)
    return same | bulk.who(ids, names[: bulk.NAMED])
