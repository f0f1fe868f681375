"""Pages of Conversations > Integrations > Platforms."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import SANDBOX_SUBDOMAINS, Settings
from webapp.core.models import Contract, Integration, User, db
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, Access, Refused, Rule, access_to
from webapp.integrations.connection import account_switch as other_accounts
from webapp.integrations.connection import connect, repeated
from webapp.integrations.connection.forms import ConnectForm, connect_form
from webapp.integrations.connection.rows import PlatformRow, notices
from webapp.integrations.connection.words import no_such_round, once_more, without_a_code
from webapp.integrations.shared.platform_status import PlatformState, platform_state, platform_states
from webapp.integrations.shared.run_rows import recent_runs
from webapp.platforms.oauth import OAuthFailed
from webapp.platforms.registry import PLATFORMS
from webapp.queue import wake
from webapp.web.access import requires, signed_in
from webapp.web.confirm_form import ConfirmForm
from webapp.web.return_url import one_way

bp = Blueprint("platforms", __name__)

MANAGES = Rule("contract", (MANAGE_INTEGRATIONS,), INTEGRATIONS)


@bp.get("/c/<contract>/integrations/platforms")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def index(contract: str) -> str:
    access: Access = g.access
    states = platform_states(access.contract)
    return render_template(
        "platforms/index.html",
        rows=[PlatformRow(state, contract) for state in states],
        notices=notices(states, contract),
        naming=sorted(
            (state for state in states if state.integration and state.integration.remote_account_id),
            key=lambda state: (state.integration.name_rank, state.integration.id),
        ),
        runs=recent_runs(access.contract.id, contract),
        sandboxes=[platform.label for platform in PLATFORMS.values() if platform.client(_settings()).sandbox],
    )


@bp.get("/c/<contract>/integrations/platforms/<platform>")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def show(contract: str, platform: str) -> str:
    state = state_or_404(platform)
    form = connect_form(state.platform, state.integration.site if state.integration else None)
    return _show_page(state, contract, form)


def _show_page(state: PlatformState, contract: str, form: ConnectForm) -> str:
    client = state.platform.client(_settings())
    key = state.platform.key
    return render_template(
        "platforms/show.html",
        **frame(state, contract, "authentication"),
        form=form,
        connect_url=url_for(".begin", contract=contract, platform=key),
        disconnect_url=url_for(".disconnect", contract=contract, platform=key),
        sync_url=url_for("user_sync.show", contract=contract, platform=key),
        sandbox=client.sandbox,
        sandbox_subdomains=SANDBOX_SUBDOMAINS if client.sandbox and not state.platform.regions else (),
        configured=client.configured,
        callback_url=_callback_url(key),
        permissions_needed=state.platform.permissions_needed,
    )


@bp.post("/c/<contract>/integrations/platforms/<platform>/connect")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def begin(contract: str, platform: str) -> Response | tuple[str, int]:
    state = state_or_404(platform)
    if not state.platform.client(_settings()).configured:
        abort(404)
    form = connect_form(state.platform, state.integration.site if state.integration else None)
    if not form.validate_on_submit():
        return _show_page(state, contract, form), 422
    return redirect(
        connect.begin(
            contract=g.access.contract,
            platform=platform,
            site=form.site.data or "",
            sign_in_session_id=g.sign_in_session_id,
            redirect_uri=_callback_url(platform),
        )
    )


@bp.post("/c/<contract>/integrations/platforms/<platform>/names-first")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def names_first(contract: str, platform: str) -> Response:
    state = state_or_404(platform)
    if state.integration is None:
        abort(404)
    connect.put_names_first(g.access.contract, platform)
    flash(f"Names come from {state.platform.label} first. The next runs change what differs.", "success")
    return redirect(url_for(".index", contract=contract))


@bp.get("/integrations/<platform>/callback")
@signed_in
@one_way
def callback(platform: str) -> Response | tuple[str, int]:
    """Where the platform sends the browser back to, with a code or a refusal."""
    if platform not in PLATFORMS:
        abort(404)
    state, session_id = request.args.get("state", ""), g.sign_in_session_id
    try:
        attempt = connect.consume(platform=platform, state=state, sign_in_session_id=session_id)
    except connect.AttemptInvalid:
        return _once_more(platform, state, session_id)
    contract = _enter(attempt.contract_id)
    back = redirect(url_for(".show", contract=contract.slug, platform=platform))
    if request.args.get("error") or not request.args.get("code"):
        connect.end_round(attempt)
        flash(*without_a_code(PLATFORMS[platform], request.args.get("error")))
        return back
    try:
        done = connect.complete(
            attempt,
            request.args["code"],
            by=current_user,
            redirect_uri=_callback_url(platform),
            settings=_settings(),
        )
    except OAuthFailed as error:
        flash(str(error), "error")
        return back
    except connect.AnotherAccount as other:
        return redirect(
            url_for(".other_account", contract=contract.slug, platform=platform, attempt_id=other.attempt_id)
        )
    return _connected(done, contract.slug, platform)


def _once_more(platform: str, state: str, session_id: int) -> Response | tuple[str, int]:
    """The browser came back with what it came back with before, or with what is none of its rounds."""
    label = PLATFORMS[platform].label
    try:
        attempt = repeated.used_round(platform=platform, state=state, sign_in_session_id=session_id)
    except connect.AttemptInvalid:
        title, text = no_such_round(label)
        page = render_template(
            "errors/error.html", status=400, title=title, text=text, reference=g.request_id
        )
        return page, 400
    attempt_id = attempt.id
    contract = _enter(attempt.contract_id).slug
    outcome = repeated.outcome_of(attempt_id)
    if outcome is repeated.Outcome.UNDECIDED:
        return redirect(
            url_for(".other_account", contract=contract, platform=platform, attempt_id=attempt_id)
        )
    flash(*once_more(label, outcome))
    return redirect(url_for(".show", contract=contract, platform=platform))


def _enter(contract_id: int) -> Contract:
    """The contract of a round, for whoever may connect there: the address of the callback names none."""
    contract = db.session.get_one(Contract, contract_id)
    access = access_to(contract.slug, current_user, g.signed_in_at)
    if access is None:
        abort(404)
    g.access = access
    refusal = access.refusal(MANAGES)
    if refusal is not None:
        raise Refused(refusal)
    return contract


def _connected(done: connect.Connected, contract: str, platform: str) -> Response:
    label, name = PLATFORMS[platform].label, done.integration.remote_account_name
    if done.run is not None:
        wake.wake_soon(done.run.id, done.run.attempt)
        flash(f"{label} is connected again to {name}. User sync goes on; a run has started.", "success")
        return redirect(url_for("user_sync.show", contract=contract, platform=platform))
    word = "is connected again to" if done.again else "is connected to"
    flash(f"{label} {word} {name}. Next, set up User sync.", "success")
    return redirect(url_for(".show", contract=contract, platform=platform))


@bp.route(
    "/c/<contract>/integrations/platforms/<platform>/other-account/<int:attempt_id>", methods=["GET", "POST"]
)
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def other_account(contract: str, platform: str, attempt_id: int) -> str | Response:
    """A round opened another account than the one connected: GET asks, POST uses it."""
    state = state_or_404(platform)
    try:
        attempt = _waiting_attempt(platform, attempt_id)
        if request.method == "POST" and ConfirmForm().validate_on_submit():
            return _connected(other_accounts.use_other_account(attempt, by=current_user), contract, platform)
    except other_accounts.AlreadyDecided:
        return _already_decided(state, contract)
    return render_template(
        "platforms/different_account.html",
        **frame(state, contract, "authentication"),
        different_account={
            "old": state.integration.remote_account_name if state.integration else "",
            "new": attempt.details["account"]["name"],
            "confirm_url": request.path,
            "cancel_url": url_for(
                ".keep_account", contract=contract, platform=platform, attempt_id=attempt_id
            ),
        },
    )


@bp.post("/c/<contract>/integrations/platforms/<platform>/other-account/<int:attempt_id>/keep")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def keep_account(contract: str, platform: str, attempt_id: int) -> Response:
    state = state_or_404(platform)
    try:
        other_accounts.keep_account(_waiting_attempt(platform, attempt_id))
    except other_accounts.AlreadyDecided:
        return _already_decided(state, contract)
    name = state.integration.remote_account_name if state.integration else ""
    flash(f"Nothing was changed: this contract stays with {name}.", "info")
    return redirect(url_for(".show", contract=contract, platform=platform))


def _already_decided(state: PlatformState, contract: str) -> Response:
    name = state.integration.remote_account_name if state.integration else ""
    flash(f"This was decided already, so nothing more was changed. This contract is with {name}.", "info")
    return redirect(url_for(".show", contract=contract, platform=state.platform.key))


def _waiting_attempt(platform: str, attempt_id: int) -> Any:
    try:
        return other_accounts.another_account(
            attempt_id, contract=g.access.contract, platform=platform, sign_in_session_id=g.sign_in_session_id
        )
    except connect.AttemptInvalid:
        abort(404)


@bp.route("/c/<contract>/integrations/platforms/<platform>/disconnect", methods=["GET", "POST"])
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def disconnect(contract: str, platform: str) -> str | Response:
    """GET asks, POST disconnects."""
    state = state_or_404(platform)
    back = url_for(".show", contract=contract, platform=platform)
    if state.integration is None or state.integration.connection == "not_connected":
        flash(f"{state.platform.label} is not connected.", "info")
        return redirect(back)
    if request.method == "POST" and ConfirmForm().validate_on_submit():
        told = connect.disconnect(g.access.contract, platform)
        label = state.platform.label
        if told:
            flash(
                f"{label} is disconnected, and our access there is revoked. Users and history stay.",
                "success",
            )
        else:
            flash(
                f"{label} is disconnected and the token is deleted here, but {label} could not be told. "
                f"Remove the app in your {label} {state.platform.account_word} as well to be sure.",
                "warning",
            )
        return redirect(back)
    counts = dict(
        db.session.execute(
            sa.select(User.status, sa.func.count())
            .where(
                User.contract_id == g.access.contract.id, User.source_integration_id == state.integration.id
            )
            .group_by(User.status)
        ).all()
    )
    return render_template(
        "platforms/disconnect.html",
        **frame(state, contract, "authentication"),
        confirm_url=request.path,
        cancel_url=back,
        pending_count=counts.get("pending", 0),
        active_count=counts.get("active", 0),
    )


def state_or_404(platform: str) -> PlatformState:
    """The state of ``platform`` in the contract of this request."""
    state = platform_state(g.access.contract, platform)
    if state is None:
        abort(404)
    return state


def connected_once(platform: str) -> tuple[PlatformState, Integration]:
    """The platform and its integration, which exists once it was connected for the first time."""
    state = state_or_404(platform)
    if state.integration is None:
        abort(404)
    return state, state.integration


def frame(state: PlatformState, contract: str, tab: str) -> dict[str, Any]:
    """What the frame of every page of one platform shows: heading, status and tabs."""
    key = state.platform.key
    tabs = [
        {
            "label": "Authentication",
            "url": url_for("platforms.show", contract=contract, platform=key),
            "current": tab == "authentication",
        },
        {
            "label": "User sync",
            "url": url_for("user_sync.show", contract=contract, platform=key),
            "current": tab == "user_sync",
        },
    ]
    if state.integration is not None:
        tabs.append(
            {
                "label": "Exclusions",
                "url": url_for("exclusions.index", contract=contract, platform=key),
                "current": tab == "exclusions",
            }
        )
        tabs.append(
            {
                "label": "Why not here?",
                "url": url_for("why.index", contract=contract, platform=key),
                "current": tab == "why",
            }
        )
    integration = state.integration
    return {
        "platform": state.platform,
        "status": state.health.status,
        "message": state.health.message,
        "freshness": state.health.freshness,
        "sync_enabled": bool(state.sync and state.sync.enabled),
        "tabs": tabs,
        "integration": integration,
        "site_label": state.platform.site_label(integration.site) if integration else None,
    }


def _callback_url(platform: str) -> str:
    """The absolute redirect address, from the configured public address and never from the request's Host."""
    return _settings().public_url + url_for("platforms.callback", platform=platform)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
