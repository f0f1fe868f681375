"""Rollcall: the application factory."""

from __future__ import annotations

import logging
from datetime import timedelta

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from config import Settings, keep_private, load_settings

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None, *, command: bool = False) -> Flask:
    """Build the application. Without ``settings`` they come from the environment, which a ``command`` may leave to a
    ``make run`` beside it.
    """
    from webapp import commands, home, navigation
    from webapp.accounts import pages as accounts
    from webapp.accounts.sign_in import hashing, sign_in_manager
    from webapp.accounts.sign_in.visits import note_visit
    from webapp.administration import pages as administration
    from webapp.core import credentials, database
    from webapp.core.models import db
    from webapp.integrations import pages as integrations
    from webapp.integrations.platform_webhooks import views as platform_webhooks
    from webapp.notifications import pages as notifications
    from webapp.people import pages as people
    from webapp.platforms import oauth_registry as oauth
    from webapp.queue import wake
    from webapp.web import access, healthz, setup

    if settings is None:
        settings = load_settings(command=command)
        if told := keep_private(settings):
            log.warning(told)
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(flask_config(settings))
    app.extensions["settings"] = settings

    setup.init_app(app, settings)
    database.init_app(app, settings.database_url)
    Migrate(app, db, directory="migrations", render_as_batch=True, compare_type=True)
    credentials.init_app(app, settings)
    wake.init_app(app, settings)
    oauth.init_app(app, settings)
    csrf = CSRFProtect(app)
    Bootstrap5(app)
    hashing.init_app(settings)
    sign_in_manager.init_app(app)
    access.init_app(app, note_visit)  # after CSRFProtect: whether a form is forged is asked first
    navigation.init_app(app, settings)
    commands.init_app(app)

    for area in (accounts, people, integrations, administration, notifications):
        for pages in area.PAGES:
            app.register_blueprint(pages)
    for pages in (healthz.bp, home.bp, platform_webhooks.bp):
        app.register_blueprint(pages)
    csrf.exempt(platform_webhooks.bp)  # signed by who sends, and no browser's session is looked at
    return app


def flask_config(settings: Settings) -> dict[str, object]:
    """Flask's own configuration, derived from ours."""
    secure = settings.secure_cookies
    return {
        "SECRET_KEY": settings.secret_key,
        "TESTING": settings.mode == "test",
        "SESSION_COOKIE_NAME": "__Host-rollcall" if secure else f"rollcall-{settings.port}",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "PERMANENT_SESSION_LIFETIME": settings.session_absolute,
        "SESSION_REFRESH_EACH_REQUEST": False,  # else files carry the cookie, and caches may keep files
        "MAX_CONTENT_LENGTH": settings.max_body,
        "MAX_FORM_MEMORY_SIZE": settings.max_body,
        "MAX_FORM_PARTS": settings.max_form_parts,
        "WTF_CSRF_TIME_LIMIT": int(timedelta(hours=12).total_seconds()),
        "BOOTSTRAP_SERVE_LOCAL": True,
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
    }
