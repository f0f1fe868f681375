"""What a run changed, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.core.models import SyncChange
from webapp.sync.run.undo_words import STAYS

KIND_LABELS = {
    "imported": "Imported",
    "linked": "Recognised",
    "renamed": "Renamed",
    "returned": "Back again",
    "missing": "Missing",
    "left_out": "Left out",
    "conflict": "Conflict",
    "removed": "Removed",
    "unlinked": "Unlinked",
}

KEPT = "Stays"  # what an undo calls those who are left out of it
WOULD_LABELS = KIND_LABELS | {
    "imported": "To import",
    "linked": "To recognise",
    "renamed": "To rename",
    "missing": "Would go missing",
}

# what the saved settings would do, after “With the saved settings”
SAVED_WORDS = {
    "imported": "a new user",
    "linked": "recognised",
    "renamed": "renamed",
    "unchanged": "nothing to do",
    "missing": "gone",
    "left_out": "left out",
    "conflict": "in conflict",
}

# reason: (what it means for the person, what to do about it)
REASON_WORDS: dict[str, tuple[str, str | None]] = {
    "bot": ("Bots are not people", None),
    "not_a_person": ("Not a person", None),
    "excluded": ("Excluded by a colleague", "Take them back under Exclusions."),
    "excluded_email": ("Their email address is excluded", "Change the pattern under Exclusions."),
    "user_type": ("Their type is left out", "Choose which types to import under User sync."),
    "identifier_empty": (
        "No value in the identifier column",
        "Fill it in there, or choose another column under User sync.",
    ),
    "name_too_long": ("The name is longer than 255 characters", "Shorten it there."),
    "email_too_long": ("The email address is longer than 254 characters", "Correct it there."),
    "no_username": (
        "Nothing there can be a username of 3 to 100 characters",
        "Give them an email address there.",
    ),
    "several_users": ("Matches more than one user", "Correct the users so that only one of them fits."),
    "same_value": ("Someone else there has the same identifier", "Correct one of the two there."),
    "already_linked": (
        "The user who fits is linked to someone else there",
        "Check which of the two is right.",
    ),
    "came_back": (
        "Fits a user whose person there is gone: probably the same person under a new ID",
        "Decide under Conflicts whether the link moves to the new ID.",
    ),
    "username_taken": (
        "Their username belongs to another user here",
        "Change that user’s username or their identifier.",
    ),
} | {reason: (text, None) for reason, (text, _) in STAYS.items()}


@dataclass(frozen=True)
class ChangeRow:
    """What a run did about one person, in words."""

    change: SyncChange
    candidates: Sequence[str]
    user_url: str | None = None
    proposed: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.change, name)

    @property
    def kind_label(self) -> str:
        if self.change.reason in STAYS:
            return KEPT
        return (WOULD_LABELS if self.proposed else KIND_LABELS)[self.change.kind]

    @property
    def name(self) -> str:
        return self.change.person_name

    @property
    def email(self) -> str | None:
        return self.change.person_email

    @property
    def what(self) -> str:
        kind, detail = self.change.kind, self.change.detail or {}
        if self.change.reason is not None:
            words = REASON_WORDS[self.change.reason][0]
            if "value" in detail:
                words += f": {detail['value']}"
            if "linked_to" in detail:
                words += f" (ID {detail['linked_to']})"
            return f"{words}: {', '.join(self.candidates)}" if self.candidates else words
        inactive = " The user is inactive and stays so." if detail.get("inactive") else ""
        if "decided_by" in detail:
            inactive += f" As decided by {detail['decided_by']}."
        if self.proposed:
            return {
                "imported": f"Would be a new pending user.{inactive}",
                "linked": f"Would be recognised as a user who is here already.{inactive}",
                "renamed": f"Would be renamed{f'.{inactive}' if inactive else ''}",
                "returned": "Listed again.",
                "missing": "Would be marked as no longer listed. Nobody is deactivated.",
            }[kind]
        return {
            "imported": f"New pending user.{inactive}",
            "linked": f"Recognised as a user who was here already.{inactive}",
            "renamed": f"Renamed{f'.{inactive}' if inactive else ''}",
            "returned": "Listed again.",
            "missing": "No longer listed. Nobody was deactivated.",
            "removed": "Was pending and untouched since the import.",
            "unlinked": "No longer linked, as before. The user stays.",
        }[kind]

    @property
    def reason(self) -> str | None:
        """What the saved settings would do instead; anything else the sentence above says."""
        saved = self.change.saved_kind
        return f"With the saved settings: {SAVED_WORDS[saved]}." if saved else None

    @property
    def fix(self) -> str | None:
        return REASON_WORDS[self.change.reason][1] if self.change.reason else None
