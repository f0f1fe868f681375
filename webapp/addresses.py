"""Addresses: ``<int:…>`` takes whole numbers that a database can hold, and where a page leads back to."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from werkzeug.routing import IntegerConverter, Map

LARGEST_ID = 2**63 - 1


class IdConverter(IntegerConverter):
    """An ``int`` converter with a largest number."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **({"max": LARGEST_ID} | options))


def init_app(app: Flask) -> None:
    """Before any route is added."""
    app.url_map.converters["int"] = IdConverter
    app.jinja_env.globals["address_to_return_to"] = address_to_return_to


def address_to_return_to() -> str:
    """This page with its query, for who comes back to it; empty for a form, which cannot be sent again."""
    if request.method != "GET":
        return ""
    try:
        return request.full_path.rstrip("?")
    except UnicodeDecodeError:  # raw bytes that are no text, which was refused
        return request.path
