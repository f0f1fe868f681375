"""The kinds of mail a person can choose, and what they need to be able to do to get each."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, MANAGE_USERS, Access


@dataclass(frozen=True)
class Kind:
    """One kind of mail. ``by_default``: administrators get it until they choose otherwise."""

    key: str
    label: str
    hint: str
    permission: str
    feature: str | None = None
    by_default: bool = False

    def fits(self, access: Access) -> bool:
        """Whether this person can act on what the mail says."""
        return access.may(self.permission, feature=self.feature)


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind(
            "broken",
            "A connection broke",
            "The platform refuses our access, so the schedule is paused until somebody reconnects.",
            MANAGE_INTEGRATIONS,
            INTEGRATIONS,
            by_default=True,
        ),
        Kind(
            "held",
            "A run is held",
            "The safeguard stopped a run before it changed anything, and somebody has to decide.",
            MANAGE_INTEGRATIONS,
            INTEGRATIONS,
            by_default=True,
        ),
        Kind(
            "overdue",
            "A sync is overdue",
            "No run has succeeded for more than 12 hours.",
            MANAGE_INTEGRATIONS,
            INTEGRATIONS,
            by_default=True,
        ),
        Kind(
            "quarantine",
            "Runs keep failing",
            "Several runs in a row failed, so the next tries are further apart.",
            MANAGE_INTEGRATIONS,
            INTEGRATIONS,
        ),
        Kind(
            "first_import",
            "The first import is done",
            "Says how many people are waiting to be activated.",
            MANAGE_USERS,
        ),
        Kind(
            "leavers",
            "Leavers are held",
            "The leaver rule would deactivate more people at once than the safeguard allows.",
            MANAGE_USERS,
            INTEGRATIONS,
            by_default=True,
        ),
        Kind(
            "waiting",
            "People are waiting",
            "Once a week, as long as somebody has been pending for a week or longer.",
            MANAGE_USERS,
        ),
    )
}
