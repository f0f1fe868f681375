"""Handing a file out: what the form asked for, and the answer that a browser saves."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, abort, request

from webapp.models import db
from webapp.spreadsheets.table import Table, as_csv
from webapp.spreadsheets.workbook import as_workbook, parts_of

CSV = "text/csv; charset=utf-8"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: dict[str, str] = {"csv": "CSV", "xlsx": "Excel"}  # as the audit log calls them


def form_asked(more: Iterable[str] = ()) -> str:
    """Which form of file the field ``form`` asks for: one of :data:`FORMS` or of ``more``; nothing else is answered."""
    form = request.form.get("form", "csv")
    if form not in FORMS and form not in more:
        abort(400)
    return form


def table_answer(table: Table, form: str, stem: str) -> Response:
    """``table`` as a file called ``stem``: CSV is sent while it is read, a workbook once it is written."""
    if form == "csv":
        return attachment(as_csv(table), f"{stem}.csv", CSV)
    db.session.rollback()  # nothing waits for this request while the workbook is written
    packed = as_workbook(table)
    answer = attachment(parts_of(packed), f"{stem}.xlsx", EXCEL)
    answer.call_on_close(packed.close)
    return answer


def attachment(body: str | Iterable[str] | Iterable[bytes], name: str, content_type: str) -> Response:
    """A file that browsers save under ``name`` and nobody keeps on the way."""
    return Response(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
