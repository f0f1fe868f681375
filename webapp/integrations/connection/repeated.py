"""A round's answer that comes once more: Allow pressed twice, or the way back taken after it.

Only the browser that began the round is told how it ended; for every other one there is no such round.
"""

from __future__ import annotations

import time
from enum import StrEnum

import sqlalchemy as sa

from webapp.core.models import ConnectAttempt, Integration, db
from webapp.integrations.connection.account_switch import DECIDED
from webapp.integrations.connection.connect import ENDED, AttemptInvalid, hash_of

PATIENCE = 5.0  # seconds for which the first press may still be busy at the platform
LOOK_EVERY = 0.2  # seconds


class Outcome(StrEnum):
    """How a round ended: this is what the platform's page says."""

    CONNECTED = "connected"
    UNDECIDED = "undecided"  # another account was opened there, and somebody has to decide
    GOING_ON = "going_on"
    NOT_CONNECTED = "not_connected"


def used_round(*, platform: str, state: str, sign_in_session_id: int) -> ConnectAttempt:
    """The round of this browser that ``state`` has used up before. Raises ``AttemptInvalid``."""
    attempt = db.session.scalars(
        sa.select(ConnectAttempt).where(
            ConnectAttempt.state_hash == hash_of(state),
            ConnectAttempt.sign_in_session_id == sign_in_session_id,
            ConnectAttempt.platform == platform,
            ConnectAttempt.used_at.is_not(None),
        )
    ).one_or_none()
    if attempt is None:
        raise AttemptInvalid
    return attempt


def outcome_of(attempt_id: int) -> Outcome:
    """How the round ended. While its first answer is still being worked on, waits up to :data:`PATIENCE`."""
    until = time.monotonic() + PATIENCE
    outcome = _outcome(attempt_id)
    while outcome is Outcome.GOING_ON and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
        outcome = _outcome(attempt_id)
    return outcome


def _outcome(attempt_id: int) -> Outcome:
    db.session.rollback()  # what was read before stays as it was
    attempt = db.session.get(ConnectAttempt, attempt_id)
    if attempt is None:
        return Outcome.NOT_CONNECTED
    if "sealed" in attempt.details:
        return Outcome.UNDECIDED
    if ENDED not in attempt.details and DECIDED not in attempt.details:
        return Outcome.GOING_ON
    connection = db.session.scalar(
        sa.select(Integration.connection).where(
            Integration.contract_id == attempt.contract_id, Integration.platform == attempt.platform
        )
    )
    if attempt.details.get(ENDED) == "failed" or connection != "connected":
        return Outcome.NOT_CONNECTED
    return Outcome.CONNECTED
