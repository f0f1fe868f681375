"""Ids in addresses: ``<int:…>`` takes whole numbers that a database can hold, so a longer one is not found."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from webapp.core.numbers import LARGEST


class IdConverter(IntegerConverter):
    """An ``int`` converter with a largest number."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **({"max": LARGEST} | options))


def init_app(app: Flask) -> None:
    """Before any route is added."""
    app.url_map.converters["int"] = IdConverter
