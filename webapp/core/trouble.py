"""What kind an error of the database is: trouble that passes, or something that never succeeds however often tried.

Everything that is carried out again after a trouble (runs, previews, undos, questions, the exchange of tokens) asks
here and nowhere else. Codes: PostgreSQL's “Error Codes” (appendix A), SQLite's “Result and Error Codes”.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

# Pauses before the second try, the third, and so on; the last one again and again. With the turn of the tick, which
# wakes whatever waits, each is half a minute longer at most.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 45, 120, 300))
TRIED_FOR = timedelta(hours=1)  # from the first trouble, unless something was done in between


@dataclass(frozen=True)
class Trouble:
    """Trouble that passes: its cause, a whole sentence for people.

    ``contended``: somebody else is writing the same rows right now, so another try at once is worth it.
    """

    sentence: str
    contended: bool = False


LOST = Trouble("The connection to the database was lost.")
AWAY = Trouble("The database could not be reached.")
STOPPING = Trouble("The database was being stopped or started.")
CROWDED = Trouble("The database had no connection left.")
FULL = Trouble("The database’s disk is full.")
MEMORY = Trouble("The database is short of memory.")
LOCKED = Trouble("Another program kept the database locked.")
SLOW = Trouble("The database cancelled a statement that took too long.")
DISK = Trouble("The database could not read or write its disk.")
READ_ONLY = Trouble("The database takes no changes at the moment.")
BUSY = Trouble("Others were changing the same people.", contended=True)

# by the beginning of Postgres's code, the longer one first
_POSTGRES = {
    "08": LOST,
    "25006": READ_ONLY,  # a server that became a copy of another
    "40001": BUSY,
    "40003": LOST,
    "40P01": BUSY,
    "53100": FULL,
    "53200": MEMORY,
    "53300": CROWDED,
    "53": CROWDED,
    "55P03": LOCKED,
    "57014": SLOW,
    "57P01": LOST,
    "57P02": LOST,
    "57P03": STOPPING,
    "57P05": LOST,
    "58": DISK,
}
# A connection that is refused has no code, but says why.
_REFUSED = {
    "too many connections": CROWDED,
    "too many clients": CROWDED,
    "remaining connection slots": CROWDED,
    "starting up": STOPPING,
    "shutting down": STOPPING,
    "in recovery mode": STOPPING,
    "not yet accepting connections": STOPPING,
    "no space left on device": FULL,
}
# by SQLite's primary code, which is the last byte of an extended one
_SQLITE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: DISK,
    sqlite3.SQLITE_CANTOPEN: AWAY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_NOMEM: MEMORY,
}


def trouble_of(error: BaseException) -> Trouble | None:
    """The trouble that ``error`` tells of; ``None`` for an error that would come again at every try."""
    if isinstance(error, sa.exc.TimeoutError):  # of the pool of connections
        return CROWDED
    if not isinstance(error, sa.exc.DBAPIError) or isinstance(error, sa.exc.IntegrityError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)  # errors of the module itself have none
        return None if code is None else _SQLITE.get(code & 0xFF)
    return _of_postgres(error)


def pause_after(tries: int) -> timedelta:
    """How long to wait when ``tries`` tries in a row have met with trouble."""
    return PAUSES[min(tries, len(PAUSES)) - 1]


def _of_postgres(error: sa.exc.DBAPIError) -> Trouble | None:
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return next((_POSTGRES[code[:size]] for size in (5, 2) if code[:size] in _POSTGRES), None)
    if error.connection_invalidated:
        return LOST
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return None
    said = str(error.orig).lower()
    return next((trouble for words, trouble in _REFUSED.items() if words in said), AWAY)
