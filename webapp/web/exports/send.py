"""Handing a file out: what the form asked for, and the answer that a browser saves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from flask import Response, abort, current_app, g, request

from webapp.core.models import db
from webapp.core.spreadsheets.making import parts
from webapp.core.spreadsheets.table import Source
from webapp.web.exports.beside import parts_beside

CSV = "text/csv; charset=utf-8"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CONTENT_TYPES = {"csv": CSV, "xlsx": EXCEL, "json": "application/json"}
FORMS: dict[str, str] = {"csv": "CSV", "xlsx": "Excel"}  # as the audit log calls them
SHORT = 500  # rows of a file that the web makes itself; with 20 deep teams each, a workbook of them takes half a second


def form_asked(more: Iterable[str] = ()) -> str:
    """Which form of file the field ``form`` asks for: one of :data:`FORMS` or of ``more``; nothing else is answered."""
    form = request.form.get("form", "csv")
    if form not in FORMS and form not in more:
        abort(400)
    return form


def file_answer(source: Source, form: str, stem: str, note: Callable[[], None]) -> Response:
    """``source`` as a file called ``stem``. ``note`` writes it down, once it is begun and before any of it leaves."""
    engine, url = db.engine, current_app.extensions["settings"].database_url
    long = source.longer_than(db.session(), SHORT)
    db.session.rollback()  # nothing waits for this request while the file is made
    body = Begun(
        parts_beside(source, form, url, g.get("request_id")) if long else parts(source, form, engine)
    )
    try:
        note()
    except BaseException:
        body.close()
        raise
    return attachment(body, f"{stem}.{form}", CONTENT_TYPES[form])


class Begun:
    """Parts of a file, the first of which is there: what fails before it becomes an error page, not a broken file."""

    def __init__(self, made: Iterator[bytes]) -> None:
        self._made = made
        self._first: bytes | None = next(made, None)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return next(self._made)

    def close(self) -> None:
        """Stop making it. Whoever sends the answer calls this at the end, also when the browser has gone."""
        if hasattr(self._made, "close"):
            self._made.close()


def attachment(body: str | Iterable[str] | Iterable[bytes], name: str, content_type: str) -> Response:
    """A file that browsers save under ``name`` and nobody keeps on the way."""
    return Response(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
