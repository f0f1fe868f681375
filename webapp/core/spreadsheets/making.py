"""A file as bytes, a part at a time. Both the web and the process beside it make files by this."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from webapp.core.spreadsheets.table import Source, as_csv
from webapp.core.spreadsheets.workbook import as_workbook, parts_of


def parts(source: Source, form: str, engine: sa.Engine) -> Iterator[bytes]:
    """``source`` as a file of that ``form``: csv, json, or xlsx, which is sent once all of it is written."""
    if form == "xlsx":
        yield from parts_of(as_workbook(source.table(engine)))
        return
    texts = source.json(engine) if form == "json" else as_csv(source.table(engine))
    for text in texts:
        yield text.encode()
