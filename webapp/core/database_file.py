"""Where a database that is a file lies."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url


def database_path(url: str) -> Path | None:
    """The file of the database at ``url``; ``None`` for one that is no file."""
    found = make_url(url)
    if found.get_backend_name() != "sqlite" or not found.database or found.database == ":memory:":
        return None
    return Path(found.database).resolve()
