"""A local Intercom: OAuth, ``/me``, ``/admins``, versions, errors and rate limits as its reference describes them."""

from __future__ import annotations

from flask import Flask

from sandbox import control
from sandbox.intercom import api, notices, oauth, orders
from sandbox.intercom.records import NEWEST, VERSIONS
from sandbox.intercom.workspace import Workspace
from sandbox.options import StartError
from sandbox.parts import Parts
from sandbox.rate_windows import RateWindows
from sandbox.request_log import RequestLog

WINDOW = 10  # seconds
WINDOW_LIMIT = 1666  # calls: a public app's 10,000 a minute, spread


def create_app(parts: Parts) -> Flask:
    """The application on ``parts``; the workspace is filled with its default teammates when it is new.

    Raises :class:`StartError`.
    """
    if parts.options.default_version not in (None, *VERSIONS):
        raise StartError(f"Intercom has no version {parts.options.default_version}; the newest is {NEWEST}")
    app = Flask("sandbox.intercom", root_path=None, template_folder="../templates", static_folder="../static")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    log = RequestLog("Intercom-Version")
    windows = RateWindows(WINDOW_LIMIT, WINDOW)
    workspace = Workspace(parts.store, parts.options.seed)
    workspace.fill()
    control.init_app(app, log)
    app.register_blueprint(control.common(parts, log, windows, orders.ABOUT))
    sender = notices.Notices(parts, workspace)
    app.register_blueprint(orders.blueprint(parts, log, windows, workspace, sender))
    app.register_blueprint(notices.blueprint(sender))
    app.register_blueprint(oauth.blueprint(parts, workspace))
    app.register_blueprint(api.blueprint(parts, windows, workspace))
    return app
