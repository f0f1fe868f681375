"""Slowing down whoever guesses passwords, without locking the rightful owner out for good.

Three counters for every try: the e-mail from this address (tight), the address (looser) and the e-mail from
anywhere (loosest, with a short block only, since an attacker could otherwise lock a person out at will).
A try is counted before the password is looked at, so parallel tries cannot slip past.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.models import SignInThrottle


@dataclass(frozen=True)
class Limit:
    """After ``free`` failures each further one blocks: ``first`` long, doubling up to ``longest``."""

    free: int
    first: timedelta
    longest: timedelta


QUIET = timedelta(hours=1)  # without a failure for this long a counter starts anew
LIMITS: dict[str, Limit] = {
    "pair": Limit(5, timedelta(seconds=30), timedelta(minutes=15)),
    "address": Limit(30, timedelta(seconds=30), timedelta(minutes=15)),
    "email": Limit(60, timedelta(seconds=15), timedelta(minutes=1)),
}


def admit(session: Session, email_key: str, address: str, now: datetime) -> datetime | None:
    """Count one try. The moment from which another is accepted when this one is not, else ``None``.

    A refused try is not counted, so waiting always ends the block.
    """
    keys = _keys(email_key, address)
    rows = {
        row.key: row
        for row in session.scalars(
            sa.select(SignInThrottle).where(SignInThrottle.key.in_(keys.values())).with_for_update()
        )
    }
    blocked = [row.blocked_until for row in rows.values() if row.blocked_until and row.blocked_until > now]
    if blocked:
        return max(blocked)
    for kind, key in keys.items():
        row = rows.get(key)
        if row is None:
            row = SignInThrottle(key=key, failures=0)
            session.add(row)
        elif now - row.last_failed_at > QUIET:
            row.failures = 0
        row.failures += 1
        row.last_failed_at = now
        row.blocked_until = _blocked_until(LIMITS[kind], row.failures, now)
    return None


def forgive(session: Session, email_key: str, address: str) -> None:
    """A sign-in succeeded: forget its own counter and take this try back from the others."""
    keys = _keys(email_key, address)
    session.execute(sa.delete(SignInThrottle).where(SignInThrottle.key == keys["pair"]))
    session.execute(
        sa.update(SignInThrottle)
        .where(SignInThrottle.key.in_([keys["address"], keys["email"]]), SignInThrottle.failures > 0)
        .values(failures=SignInThrottle.failures - 1, blocked_until=None)
    )


def _blocked_until(limit: Limit, failures: int, now: datetime) -> datetime | None:
    over = failures - limit.free
    if over < 0:
        return None
    doubled: timedelta = limit.first * 2 ** min(over, 16)
    return now + min(doubled, limit.longest)


def _keys(email_key: str, address: str) -> dict[str, str]:
    """What is counted; hashed, so that the table holds no address and no e-mail."""
    parts = {"pair": f"{email_key}\n{address}", "address": address, "email": email_key}
    return {kind: f"{kind}:{hashlib.sha256(text.encode()).hexdigest()}" for kind, text in parts.items()}
