"""What every page needs, made ready for one application."""

from __future__ import annotations

from flask import Flask

from config import Settings
from webapp.web import (
    errors,
    headers,
    paging,
    proxies,
    readiness,
    request_log,
    static_gzip,
    static_versions,
    stylesheets,
    times,
    url_converters,
)
from webapp.web.exports import beside


def init_app(app: Flask, settings: Settings) -> None:
    """All but the guard, which comes once forged forms are refused."""
    url_converters.init_app(app)
    request_log.init_app(app)
    static_gzip.init_app(app)
    stylesheets.init_app(app)
    static_versions.init_app(app)
    headers.init_app(app, settings)
    proxies.init_app(app, settings.proxies)
    readiness.init_app(app, settings)
    beside.init_app(settings)
    errors.init_app(app)
    times.init_app(app)
    paging.init_app(app)
