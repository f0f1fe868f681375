"""Our style sheets as one file, so that a page waits for one answer in place of six."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request
from werkzeug.wrappers import Response as BaseResponse

from webapp.web.access import public

ORDER = ("theme", "shell", "surfaces", "forms", "tables", "figures")  # later ones have the last word


def init_app(app: Flask) -> None:
    """``url_for("sheets.static")`` is beside the sheets themselves, so that their relative addresses stay right."""

    @public
    def whole() -> BaseResponse:
        text = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets_of(app))
        response = Response(text, mimetype="text/css")
        response.add_etag()
        return response.make_conditional(request)

    app.add_url_rule("/static/css/all.css", "sheets.static", whole)


def sheets_of(app: Flask) -> list[Path]:
    """The style sheets in the order in which they are sent."""
    return [Path(app.static_folder or "") / "css" / f"{name}.css" for name in ORDER]
