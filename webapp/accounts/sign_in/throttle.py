"""Slowing down whoever guesses passwords or asks for mails, without locking the rightful owner out for good.

Three counters for every try of a stranger: the email from this address (tight), the address (looser) and the email from
anywhere (loosest, with a short block only, since an attacker could otherwise lock a person out at will, and none for
who comes from where the person has signed in lately). Nobody but its owner counts where an account is known: a browser
in which it has signed in before (``known_browsers``) and whoever is signed in have counters of their own.
A try is counted before the password is looked at, so parallel tries cannot slip past.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.clock import is_past
from webapp.core.database import insert_into
from webapp.core.models import SignInThrottle, table_of


@dataclass(frozen=True)
class Limit:
    """After ``free`` failures each further one blocks: ``first`` long, doubling up to ``longest``."""

    free: int
    first: timedelta
    longest: timedelta


QUIET = timedelta(hours=1)  # without a failure for this long a counter starts anew
KEPT = timedelta(days=1)
LIMITS: dict[str, Limit] = {
    "pair": Limit(5, timedelta(seconds=30), timedelta(minutes=15)),
    "address": Limit(30, timedelta(seconds=30), timedelta(minutes=15)),
    "email": Limit(60, timedelta(seconds=15), timedelta(minutes=1)),
}


@dataclass(frozen=True)
class Tries:
    """Tries at one thing, counted apart from those at any other, by the kinds that ``limits`` has."""

    of: str
    limits: dict[str, Limit]


SIGN_IN = Tries("", LIMITS)
# From a browser in which the account is known; its id stands in place of an address.
KNOWN_SIGN_IN = Tries("known\n", {"pair": LIMITS["pair"]})
# At the password of who is signed in already: neither strangers nor colleagues at the same address count there.
PROOF = Tries("proof\n", {"pair": LIMITS["pair"], "email": LIMITS["email"]})
# Mails that somebody has sent to an address: each counts, and none is forgiven.
MAIL_LIMITS = {
    "pair": Limit(3, timedelta(minutes=5), timedelta(hours=1)),
    "address": Limit(20, timedelta(minutes=1), timedelta(minutes=15)),
    "email": Limit(6, timedelta(minutes=15), timedelta(hours=1)),
}
MAILS = Tries("mails\n", MAIL_LIMITS)  # asked for by anybody
KNOWN_MAILS = Tries("known mails\n", {"pair": MAIL_LIMITS["pair"], "email": MAIL_LIMITS["email"]})
OWN_MAILS = Tries("own mails\n", {"email": MAIL_LIMITS["email"]})  # asked for by who is signed in


class Throttled(Exception):
    """Too many tries; ``until`` is when the next one is accepted."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until

    def seconds_left(self, now: datetime) -> int:
        """How long to wait, at least one second."""
        return max(1, math.ceil((self.until - now).total_seconds()))


def admit(
    session: Session,
    email_key: str,
    address: str,
    now: datetime,
    tries: Tries = SIGN_IN,
    is_known: Callable[[], bool] = lambda: False,
) -> datetime | None:
    """Count one try. The moment from which another is accepted when this one is not, else ``None``.

    ``address`` is where it comes from, or the id of a known browser. A refused try is not counted, so waiting always
    ends the block. ``is_known``: whether the owner of the email is
    known to use this address, so that tries from elsewhere do not hold them up.
    """
    keys = _keys(email_key, address, tries)
    rows = _locked(session, keys, now)
    blocked = {
        kind: until
        for kind, key in keys.items()
        if (until := rows[key].blocked_until) and not is_past(until, now, tries.limits[kind].longest)
    }
    if blocked and not (blocked.keys() == {"email"} and is_known()):
        return max(blocked.values())
    for kind, key in keys.items():
        row = rows[key]
        if now - row.last_failed_at > QUIET:
            row.failures = 0
        row.failures += 1
        row.last_failed_at = now
        row.blocked_until = _blocked_until(tries.limits[kind], row.failures, now)
    return None


def forgive(session: Session, email_key: str, address: str, now: datetime, tries: Tries = SIGN_IN) -> None:
    """A try succeeded: forget its own counter and take it back from the others.

    Counters that say nothing any more are cleared away here too.
    """
    keys = _keys(email_key, address, tries)
    rows = _locked(session, keys, now)
    for kind, key in keys.items():
        row = rows[key]
        if kind == "pair":
            session.delete(row)
        row.failures = max(0, row.failures - 1)
        row.blocked_until = None
    session.flush()
    session.execute(sa.delete(SignInThrottle).where(SignInThrottle.last_failed_at < now - KEPT))


def _locked(session: Session, keys: dict[str, str], now: datetime) -> dict[str, SignInThrottle]:
    """The row of each key, made if there is none; nobody else can count on them before this transaction ends.

    Everyone takes them in the same order, so that no two wait for each other.
    """
    insert = insert_into(session, table_of(SignInThrottle)).values(
        [{"key": key, "failures": 0, "last_failed_at": now} for key in sorted(keys.values())]
    )
    session.execute(insert.on_conflict_do_update(index_elements=["key"], set_={"key": insert.excluded.key}))
    found = session.scalars(
        sa.select(SignInThrottle)
        .where(SignInThrottle.key.in_(keys.values()))
        .execution_options(populate_existing=True)
    )
    return {row.key: row for row in found}


def _blocked_until(limit: Limit, failures: int, now: datetime) -> datetime | None:
    over = failures - limit.free
    if over < 0:
        return None
    doubled: timedelta = limit.first * 2 ** min(over, 16)
    return now + min(doubled, limit.longest)


def _keys(email_key: str, address: str, tries: Tries) -> dict[str, str]:
    """What is counted; hashed, so that the table holds no address and no email."""
    network = network_of(address)
    parts = {"pair": f"{email_key}\n{network}", "address": network, "email": email_key}
    return {
        kind: f"{kind}:{hashlib.sha256((tries.of + parts[kind]).encode()).hexdigest()}"
        for kind in tries.limits
    }


def network_of(address: str) -> str:
    """What one person surely holds: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
