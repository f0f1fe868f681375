"""Addresses of pages for mails: from the configured public address, never from a request."""

from __future__ import annotations

from flask import current_app

from config import Settings


def page_address(endpoint: str, **values: object) -> str:
    """The absolute address of a page."""
    settings: Settings = current_app.extensions["settings"]
    return settings.public_url + current_app.url_map.bind("rollcall").build(endpoint, values)
