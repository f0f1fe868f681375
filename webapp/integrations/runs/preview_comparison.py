"""A preview of settings that are not saved, beside what the saved ones would do; and what it tried, in words."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.core.models import SyncRun, UserSync
from webapp.integrations.shared.user_types import types_of
from webapp.platforms.platform import Platform
from webapp.sync.plan.what_if import what_if_of

FIGURES = {
    "imported": "New users",
    "linked": "Recognised",
    "renamed": "Renamed",
    "conflicts": "Conflicts",
    "left_out": "Left out",
    "missing": "Missing",
    "returned": "Back again",
}


@dataclass(frozen=True)
class Compared:
    """One figure: with the saved settings, and with those that were tried."""

    label: str
    saved: int
    tried: int


def compared(run: SyncRun) -> list[Compared]:
    """The figures that say something; none where there is nothing to compare with."""
    if not run.saved_counts:
        return []
    rows = [
        Compared(label, run.saved_counts.get(name, 0), getattr(run, name)) for name, label in FIGURES.items()
    ]
    return [row for row in rows if row.saved or row.tried]


def tried(run: SyncRun, platform: Platform, sync: UserSync) -> list[tuple[str, str]]:
    """What a preview tried: pairs of setting and value."""
    what_if = what_if_of(run.what_if)
    settings = what_if.settings()
    found = []
    if "identifier_column" in settings:
        found.append(
            ("Primary identifier", settings["identifier_column"] or "username, third-party ID and email")
        )
    if "left_out_types" in settings:
        out = [one.label for one in types_of(platform, what_if.over(sync)) if not one.imported]
        found.append(("Types that are left out", ", ".join(out) or "none"))
    if what_if.excluded_emails:
        found.append(("Excluded as well", ", ".join(what_if.excluded_emails)))
    return found
