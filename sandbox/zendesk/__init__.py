"""Local Zendesk accounts: OAuth with PKCE and ending tokens, users in cursor pages, custom roles, rate limits.

Each account answers below its subdomain: ``/kestrel/api/v2/users.json``.
"""

from __future__ import annotations

from flask import Flask

from sandbox import control
from sandbox.parts import Parts
from sandbox.rate_windows import RateWindows
from sandbox.request_log import RequestLog
from sandbox.zendesk import api, oauth, orders
from sandbox.zendesk.accounts import Accounts

WINDOW = 60  # seconds
WINDOW_LIMIT = 700  # calls: Suite Enterprise


def create_app(parts: Parts) -> Flask:
    """The application on ``parts``; accounts that are new get their default agents."""
    app = Flask("sandbox.zendesk", root_path=None, template_folder="../templates", static_folder="../static")
    log = RequestLog()
    windows = RateWindows(WINDOW_LIMIT, WINDOW)
    accounts = Accounts(parts.store, parts.options.seed)
    accounts.fill()
    control.init_app(app, log)
    app.register_blueprint(control.common(parts, log, windows, orders.ABOUT))
    app.register_blueprint(orders.blueprint(parts, log, windows, accounts))
    app.register_blueprint(oauth.blueprint(parts, accounts))
    app.register_blueprint(api.blueprint(parts, windows, accounts))
    return app
