"""The Webhook page of a contract."""

from __future__ import annotations

import logging

import redis
from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from config import Settings
from webapp.core.models import utcnow
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS
from webapp.notifications.webhooks import service as use
from webapp.notifications.webhooks.addresses import AddressRefused
from webapp.notifications.webhooks.forms import WebhookForm
from webapp.queue import wake
from webapp.queue.jobs import DELIVER_WEBHOOKS
from webapp.web.access import requires
from webapp.web.confirm_form import ConfirmForm

log = logging.getLogger(__name__)

bp = Blueprint("webhooks", __name__, url_prefix="/c/<contract>/webhook")


@bp.get("")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def show(contract: str) -> str:
    webhook = use.webhook_of(g.access.contract.id)
    form = (
        WebhookForm(url=webhook.url, events=webhook.events)
        if webhook
        else WebhookForm(events=list(use.EVENTS))
    )
    return _page(form)


@bp.post("")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def save(contract: str) -> str | Response | tuple[str, int]:
    form = WebhookForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        saved = use.save(
            g.access.contract, url=form.url.data or "", events=form.events.data, settings=_settings()
        )
    except AddressRefused as reason:
        form.url.errors = [str(reason)]
        return _page(form), 422
    if saved.secret is not None:
        return _page(form, secret=saved.secret)
    flash(
        "The webhook is saved." if saved.changed else "Nothing was changed.",
        "success" if saved.changed else "info",
    )
    return redirect(url_for(".show", contract=contract))


@bp.post("/secret")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def renew_secret(contract: str) -> str | Response:
    _confirmed()
    try:
        secret = use.renew_secret(g.access.contract)
    except use.NoWebhook:
        return _none(contract)
    webhook = use.webhook_of(g.access.contract.id)
    form = WebhookForm(formdata=None, obj=webhook)
    return _page(form, secret=secret)


@bp.post("/test")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def send_test(contract: str) -> Response:
    _confirmed()
    try:
        sent = use.send_test(g.access.contract)
    except use.NoWebhook:
        return _none(contract)
    if not sent:
        flash("A test event is on its way already. Its line below says how it went in a moment.", "info")
        return redirect(url_for(".show", contract=contract))
    try:
        wake.wake_chore(DELIVER_WEBHOOKS, utcnow())
    except redis.RedisError:
        log.exception("the queue is not reachable; the next tick wakes a worker for the webhook")
    flash(
        "A test event is on its way. Its line below says how it went; reload the page in a moment.", "success"
    )
    return redirect(url_for(".show", contract=contract))


@bp.route("/remove", methods=["GET", "POST"])
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def remove(contract: str) -> str | Response:
    """GET asks, POST removes."""
    if request.method == "POST":
        _confirmed()
        if not use.remove(g.access.contract):
            return _none(contract)
        flash("The webhook is removed. Nothing is sent any more.", "success")
        return redirect(url_for(".show", contract=contract))
    webhook = use.webhook_of(g.access.contract.id)
    if webhook is None:
        return _none(contract)
    return render_template("webhooks/remove.html", webhook=webhook)


def _page(form: WebhookForm, secret: str | None = None) -> str:
    webhook = use.webhook_of(g.access.contract.id)
    rows, page = use.deliveries(webhook) if webhook else ([], None)
    return render_template(
        "webhooks/show.html",
        form=form,
        webhook=webhook,
        secret=secret,
        rows=rows,
        page=page,
        labels=use.EVENTS,
    )


def _confirmed() -> None:
    if not ConfirmForm().validate_on_submit():
        abort(400)


def _none(contract: str) -> Response:
    flash("There is no webhook any more, so nothing was changed.", "info")
    return redirect(url_for(".show", contract=contract))


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
