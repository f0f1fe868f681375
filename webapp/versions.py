"""Addresses of style sheets and scripts name the version of the file: kept for a year, and new after an upgrade."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.security import safe_join

from webapp.headers import is_file, is_static
from webapp.sheets import sheets_of

A_YEAR = 365 * 24 * 3600  # seconds
LENGTH = 12  # characters of the SHA-256


def init_app(app: Flask) -> None:
    """``url_for`` adds ``v``; an answer to the version that is here may be kept for good, any other as it was."""
    known: dict[tuple[str, str], str | None] = {}  # the files of a process do not change

    def version(endpoint: str, filename: str) -> str | None:
        key = endpoint, filename
        if key not in known:
            known[key] = _version(app, endpoint, filename)
        return known[key]

    @app.url_defaults
    def _name(endpoint: str, values: dict[str, Any]) -> None:
        if is_static(endpoint) and not current_app.debug:
            found = version(endpoint, values.get("filename", ""))
            if found:
                values.setdefault("v", found)

    @app.after_request
    def _keep(response: Response) -> Response:
        if is_file() and response.status_code < 400 and not current_app.debug:
            here = version(request.endpoint or "", (request.view_args or {}).get("filename", ""))
            if here and request.args.get("v") == here:
                response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
        return response


def _version(app: Flask, endpoint: str, filename: str) -> str | None:
    """Of a file that is there; ``None`` for any other."""
    if endpoint == "sheets.static":
        files = sheets_of(app)
    else:
        blueprint = app.blueprints.get(endpoint.rpartition(".")[0])
        path = safe_join((blueprint or app).static_folder or "", filename)
        files = [Path(path)] if path else []
    if not files or not all(file.is_file() for file in files):
        return None
    return hashlib.sha256(b"\n".join(file.read_bytes() for file in files)).hexdigest()[:LENGTH]
