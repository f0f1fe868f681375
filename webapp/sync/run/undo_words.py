"""Why something a run did cannot go back any more, in words."""

from __future__ import annotations

# reason: (for one person, as a line of a list; many of them, as a heading)
STAYS: dict[str, tuple[str, str]] = {
    "user_active": ("Is active by now, and takes a licence", "Active by now"),
    "user_inactive": ("Was active since and has been deactivated", "Inactive by now"),
    "user_ignored": ("Is ignored by now, which can be taken back", "Ignored by now"),
    "has_account": ("Has a way to sign in by now", "Can sign in by now"),
    "set_up": ("Has roles, a team or reporting access by now", "Set up by now"),
    "other_platform": ("Somebody else is linked to this user as well", "Linked to somebody else as well"),
    "in_use": ("A decision or another record refers to this user", "Needed elsewhere"),
    "edited": ("Name, username, email or ID here have changed since", "Changed since"),
    "relinked": ("The link goes to another user by now", "Linked to another user by now"),
    "renamed_since": ("The name has changed since, by hand or by a later run", "Renamed since"),
    "named_elsewhere": ("Another platform names this user by now", "Named by another platform by now"),
    "later_run": ("A later run did the same again. Undo that one first", "Done again by a later run"),
    "user_gone": ("This user is no longer here", "No longer here"),
}
GOES = {
    "remove": "Imported, untouched since: taken away again",
    "rename": "Gets the old name back",
    "unlink": "No longer linked; the user stays",
}
