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
    from webapp import commands, navigation
    from webapp.accounts.profile.views import bp as account
    from webapp.accounts.reset.views import bp as reset
    from webapp.accounts.sign_in import hashing, sign_in_manager
    from webapp.accounts.sign_in.views import bp as auth
    from webapp.administration.audit.views import bp as audit
    from webapp.administration.roles.views import bp as roles
    from webapp.administration.settings.views import bp as contract_settings
    from webapp.administration.structure.views import bp as structure
    from webapp.core import credentials, database, logs
    from webapp.core.models import db
    from webapp.integrations.conflicts.views import bp as conflicts
    from webapp.integrations.connection.views import bp as platforms
    from webapp.integrations.platform_webhooks.views import bp as hooks
    from webapp.integrations.runs.compare_views import bp as run_compare
    from webapp.integrations.runs.file_views import bp as run_files
    from webapp.integrations.runs.undo_views import bp as undo
    from webapp.integrations.runs.views import bp as sync_status
    from webapp.integrations.support.views import bp as support
    from webapp.integrations.user_sync.exclusion_views import bp as exclusions
    from webapp.integrations.user_sync.held_run_views import bp as held_runs
    from webapp.integrations.user_sync.pause_views import bp as pausing
    from webapp.integrations.user_sync.preview_views import bp as previews
    from webapp.integrations.user_sync.views import bp as user_sync
    from webapp.integrations.why.views import bp as why
    from webapp.notifications.incidents.views import bp as notify
    from webapp.notifications.mail.views import bp as mail
    from webapp.notifications.webhooks.views import bp as webhooks
    from webapp.people.activation.grid_views import bp as activation_grid
    from webapp.people.activation.ignore_views import bp as ignoring
    from webapp.people.activation.undo_views import bp as activations
    from webapp.people.edit.views import bp as user_editing
    from webapp.people.invitations.views import bp as invitations
    from webapp.people.leavers.views import bp as leavers
    from webapp.people.merges.views import bp as merges
    from webapp.people.sign_ins.views import bp as user_sign_ins
    from webapp.people.uploads.views import bp as uploads
    from webapp.people.users.export_views import bp as user_export
    from webapp.people.users.history_views import bp as user_history
    from webapp.people.users.views import bp as users
    from webapp.platforms import oauth_registry as oauth
    from webapp.queue import wake
    from webapp.web import (
        access,
        errors,
        headers,
        healthz,
        paging,
        proxies,
        readiness,
        static_gzip,
        static_versions,
        stylesheets,
        times,
        url_converters,
    )
    from webapp.web.exports import beside

    if settings is None:
        settings = load_settings(command=command)
        if told := keep_private(settings):
            log.warning(told)
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(flask_config(settings))
    app.extensions["settings"] = settings

    url_converters.init_app(app)
    logs.init_app(app)
    static_gzip.init_app(app)
    stylesheets.init_app(app)
    static_versions.init_app(app)
    headers.init_app(app, settings)
    proxies.init_app(app, settings.proxies)
    database.init_app(app, settings.database_url)
    Migrate(app, db, directory="migrations", render_as_batch=True, compare_type=True)
    credentials.init_app(app, settings)
    wake.init_app(app, settings)
    readiness.init_app(app, settings)
    oauth.init_app(app, settings)
    csrf = CSRFProtect(app)
    Bootstrap5(app)
    hashing.init_app(settings)
    beside.init_app(settings)
    sign_in_manager.init_app(app)
    access.init_app(app)
    errors.init_app(app)
    times.init_app(app)
    paging.init_app(app)
    navigation.init_app(app, settings)
    commands.init_app(app)

    for blueprint in (
        healthz.bp,
        auth,
        account,
        reset,
        platforms,
        user_sync,
        previews,
        held_runs,
        pausing,
        exclusions,
        why,
        conflicts,
        users,
        invitations,
        user_editing,
        user_export,
        user_history,
        user_sign_ins,
        activation_grid,
        activations,
        ignoring,
        uploads,
        merges,
        leavers,
        roles,
        structure,
        contract_settings,
        sync_status,
        undo,
        run_files,
        run_compare,
        support,
        audit,
        notify,
        mail,
        webhooks,
        hooks,
    ):
        app.register_blueprint(blueprint)
    csrf.exempt(hooks)  # signed by who sends, and no browser's session is looked at
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
