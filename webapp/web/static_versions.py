"""Addresses of style sheets and scripts name the version of the file: kept for a year, and new after an upgrade."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.security import safe_join

from webapp.web.headers import is_file, is_static
from webapp.web.stylesheets import sheets_of

A_YEAR = 365 * 24 * 3600  # seconds
LENGTH = 12  # characters of the SHA-256


def init_app(app: Flask) -> None:
    """``url_for`` adds ``v``; an answer to the version that is here may be kept for good, any other as it was."""

    @lru_cache(maxsize=1_000)
    def version(endpoint: str, filename: str) -> str | None:
        return _version(tuple(_files(app, endpoint, filename)))

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


def _files(app: Flask, endpoint: str, filename: str) -> list[Path]:
    """What is sent as ``filename``; nothing for an address that leads out of its folder."""
    if endpoint == "sheets.static":
        return sheets_of(app)
    blueprint = app.blueprints.get(endpoint.rpartition(".")[0])
    path = safe_join((blueprint or app).static_folder or "", filename)
    return [Path(path)] if path else []


@lru_cache(maxsize=1_000)  # the files of a process do not change
def _version(files: tuple[Path, ...]) -> str | None:
    """Of files that are there; ``None`` of any other."""
    if not files or not all(file.is_file() for file in files):
        return None
    return hashlib.sha256(b"\n".join(file.read_bytes() for file in files)).hexdigest()[:LENGTH]
