"""Writing audit rows, always inside the transaction of the change they describe."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from webapp.core.audit.acting import acting
from webapp.core.models import AuditEvent
from webapp.core.text import clean

# action: what the audit page says was done, before the target's name
ACTIONS: dict[str, str] = {
    "account.created": "Created the account",
    "account.renamed": "Changed the name of",
    "account.password_set": "Set the password of",
    "account.password_changed": "Changed the password of",
    "account.reset_asked": "Asked for a new password for",
    "account.password_reset": "Set a new password by a mailed link for",
    "account.proof_failed": "Gave a wrong current password for",
    "account.email_asked": "Asked to change the email of",
    "account.email_changed": "Changed the email of",
    "account.sessions_ended": "Signed out elsewhere",
    "account.closed": "Closed the account",
    "account.reopened": "Reopened the account",
    "account.email_set": "Changed the sign-in email of",
    "account.support_granted": "Granted platform-wide support to",
    "account.support_revoked": "Revoked platform-wide support of",
    "account.signed_in": "Signed in",
    "account.sign_in_failed": "Failed to sign in as",
    "account.signed_out": "Signed out",
    "audit.exported": "Exported the audit log of",
    "contract.created": "Created the contract",
    "contract.feature_enabled": "Switched on the feature",
    "contract.feature_disabled": "Switched off the feature",
    "contract.licences_changed": "Changed the licences of",
    "contract.restored": "Restored from a backup",
    "contract.settings_changed": "Changed the settings of",
    "role.created": "Created the role",
    "role.changed": "Changed the role",
    "role.deleted": "Deleted the role",
    "team.created": "Added the team",
    "team.renamed": "Renamed the team",
    "team.moved": "Moved the team",
    "team.archived": "Archived the team",
    "team.brought_back": "Brought back the team",
    "conflict.decided": "Decided about",
    "conflict.forgotten": "Forgot the decision about",
    "exclusion.added": "Excluded",
    "exclusion.removed": "Took back the exclusion of",
    "integration.connected": "Connected",
    "integration.reconnected": "Reconnected",
    "integration.names_first": "Let names come first from",
    "integration.disconnected": "Disconnected",
    "user_sync.identifier_changed": "Changed the primary identifier of",
    "user_sync.types_changed": "Changed the user types of",
    "user_sync.safeguard_changed": "Changed the safeguard of",
    "user_sync.enabled": "Enabled User sync of",
    "user_sync.disabled": "Disabled User sync of",
    "user_sync.paused": "Paused the schedule of",
    "user_sync.resumed": "Resumed the schedule of",
    "user_sync.undone": "Undid a run of",
    "user_sync.previewed": "Asked for a preview of",
    "user_sync.preview_applied": "Applied a preview of",
    "user_sync.preview_cancelled": "Stopped a preview of",
    "user_sync.tried_saved": "Saved the previewed settings of",
    "user_sync.asked": "Asked why somebody is not here from",
    "user_sync.exported": "Exported a run of",
    "user_sync.bundled": "Downloaded a support bundle of",
    "user_sync.requested": "Started a sync of",
    "user_sync.not_begun": "Did not begin what was asked for of",
    "user_sync.cancelled": "Stopped the running sync of",
    "user_sync.approved": "Approved the held run of",
    "user_sync.approved_raising": "Approved the held run and raised the limits of",
    "user_sync.rejected": "Rejected the held run of",
    "leaver_rule.changed": "Changed the leaver rule of",
    "leaver_rule.spared": "Kept as they are, though due to be deactivated,",
    "webhook.created": "Set up the webhook",
    "webhook.changed": "Changed the webhook",
    "webhook.secret_renewed": "Made a new secret for the webhook",
    "webhook.tested": "Sent a test event to the webhook",
    "webhook.removed": "Removed the webhook",
    "notifications.changed": "Chose the emails of",
    "users.activated": "Activated",
    "users.reactivated": "Reactivated",
    "users.deactivated": "Deactivated",
    "invitation.sent": "Invited",
    "invitation.sent_again": "Invited again",
    "invitation.revoked": "Revoked the invitation of",
    "invitation.accepted": "Accepted the invitation of",
    "users.activation_undone": "Undid the activation of",
    "users.created": "Added the user",
    "users.edited": "Changed the user",
    "users.ignored": "Ignored",
    "users.ignoring_undone": "Took back ignoring",
    "users.sign_ins_ended": "Ended the sign-ins of",
    "users.exported": "Exported users of",
    "users.merged": "Merged another user into",
    "users.merge_undone": "Undid a merge into",
    "users.not_the_same": "Said that two users are not one person:",
    "users.maybe_the_same": "Took back that two users are not one person:",
    "users.uploaded": "Added from a file",
    "users.deactivated_by_rule": "Deactivated by the leaver rule",
}

NOT_SEEN = "nothing that can be seen"  # in place of a text that is empty, or shows as nothing
IDS = "ids"  # a detail for machines, which the page leaves out: everybody in a batch
EACH = "each"  # a detail of several parts: what was ``given`` to which ``users``, and their ``IDS``


def changed(before: object, after: object) -> dict[str, object]:
    """A value of ``details`` that says what something was and what it became."""
    return {"before": before, "after": after}


def record(
    session: Session,
    action: str,
    target: str,
    *,
    contract_id: int | None,
    target_type: str | None = None,
    target_id: int | None = None,
    details: dict[str, Any] | None = None,
    actor: str | None = None,
) -> None:
    """Add an audit row to ``session``. The actor is who is signed in, or ``actor`` (a command's name).

    ``target`` and ``details`` may hold what somebody typed: each text is kept as one line that shows what it is.
    ``details`` are labels with a value, a list of values, or :func:`changed`.
    Raises ``KeyError`` for an action that :data:`ACTIONS` does not list.
    """
    ACTIONS[action]
    who = acting()
    session.add(
        AuditEvent(
            contract_id=contract_id,
            actor_id=who.account_id if actor is None else None,
            actor=actor or who.name,
            action=action,
            target=(clean(target) or NOT_SEEN)[:255],
            target_type=target_type,
            target_id=target_id,
            details=_shown(details),
            address=who.address,
            request_id=who.request_id,
        )
    )


def _shown(value: Any) -> Any:
    """``value`` with every text in it as one line that shows what it is."""
    if isinstance(value, str):
        return clean(value) or ""
    if isinstance(value, dict):
        return {name: _shown(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(part) for part in value]
    return value
