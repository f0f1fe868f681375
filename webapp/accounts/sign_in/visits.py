"""When somebody was in a contract last. A session belongs to an account and is no contract's to look at."""

from __future__ import annotations

import logging
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from webapp.core.database import write_transaction
from webapp.core.models import User, utcnow

log = logging.getLogger(__name__)

NOTED_EVERY = timedelta(minutes=5)


def note_visit(user: User) -> None:
    """Note that a user is here. A database that is busy for a moment must not cost the request."""
    now = utcnow()
    if user.last_seen_at is not None and now - user.last_seen_at < NOTED_EVERY:
        return
    user_id = user.id
    try:
        with write_transaction() as session:
            session.execute(sa.update(User).where(User.id == user_id).values(last_seen_at=now))
    except OperationalError as error:
        log.warning("could not note the visit of user %s: %s", user_id, error)
