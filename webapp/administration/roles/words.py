"""What each permission lets somebody do, and a role's changes, in words."""

from __future__ import annotations

from webapp.administration.roles.service import Wanted
from webapp.core.permissions import (
    MANAGE_INTEGRATIONS,
    MANAGE_ROLES,
    MANAGE_SECURITY,
    MANAGE_STRUCTURE,
    MANAGE_USERS,
    PERMISSIONS,
    VIEW_AUDIT,
    VIEW_SYNC_STATUS,
)

PERMISSION_TEXTS: dict[str, str] = {
    MANAGE_INTEGRATIONS: "Connect platforms, set up User sync, start and undo runs.",
    MANAGE_USERS: "Activate and deactivate people, decide about conflicts, merge users.",
    MANAGE_ROLES: "Create, change and delete roles, as far as they have the permissions themselves.",
    MANAGE_STRUCTURE: "Add, rename, move and archive teams.",
    MANAGE_SECURITY: "Change the contract’s name and time zone, and read the outbox.",
    VIEW_SYNC_STATUS: "See how syncs went, run by run.",
    VIEW_AUDIT: "Read who changed what, and when.",
}


def differences(before: Wanted, after: Wanted) -> list[str]:
    """What changed from one to the other, a sentence each."""
    words = []
    if before.name != after.name:
        words.append(f"The name was {before.name} and is {after.name}.")
    if before.description != after.description:
        words.append(
            f"The description is “{after.description}”." if after.description else "The description is gone."
        )
    for key, name in PERMISSIONS.items():
        if (key in before.permissions) != (key in after.permissions):
            words.append(f"{name} was {'taken away' if key in before.permissions else 'added'}.")
    return words
