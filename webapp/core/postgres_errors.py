"""What Postgres says of an error, without the rows that it quotes."""

from __future__ import annotations

import re

import psycopg

_QUOTED = re.compile(r'"[^"]*"')


def postgres_text(error: psycopg.Error) -> str:
    """Only the first line of what Postgres says: DETAIL and CONTEXT quote rows, and so do the words for bad values."""
    primary = error.diag.message_primary
    if primary is None:  # of the connection or the driver, which know no rows
        return str(error)
    return _QUOTED.sub("(a value)", primary) if (error.sqlstate or "").startswith("22") else primary
