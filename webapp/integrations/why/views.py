"""“Why is somebody not here?”: asking, waiting for the answer, and the steps that lead to it. Nothing is imported."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, abort, flash, g, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from webapp.core.models import Integration, Question, db
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, MANAGE_USERS
from webapp.integrations.connection.views import connected_once, frame
from webapp.integrations.shared.platform_status import PlatformState
from webapp.integrations.why import ask as why_ask
from webapp.integrations.why.explain import Answer, Meant
from webapp.integrations.why.steps import Standing, Step, Walk, nobody, unanswered, walked
from webapp.queue import wake
from webapp.web.access import requires
from webapp.web.forms import one_line
from webapp.web.times import timestamp

bp = Blueprint("why", __name__, url_prefix="/c/<contract>/integrations/platforms/<platform>/why")


class QuestionForm(FlaskForm):
    """Who is looked for."""

    q = StringField(
        "Name, email or ID",
        filters=[one_line],
        validators=[
            DataRequired("Enter a name, an email or an ID, or a part of one."),
            Length(max=255, message="Enter at most 255 characters."),
        ],
    )


@bp.get("")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def index(contract: str, platform: str) -> str:
    state, integration = connected_once(platform)
    form = QuestionForm(formdata=None, q=request.args.get("q", "").strip()[:255])
    return _ask_page(state, integration, contract, form)


@bp.post("")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def ask(contract: str, platform: str) -> Response | tuple[str, int]:
    state, integration = connected_once(platform)
    form = QuestionForm()
    if not form.validate_on_submit():
        return _ask_page(state, integration, contract, form), 422
    try:
        question = why_ask.ask(integration.id, form.q.data or "", current_user.name)
    except why_ask.NotConnected:
        flash(
            f"{state.platform.label} is not connected, so nobody can be looked for. Reconnect first.", "error"
        )
    except why_ask.TooMany:
        flash("Several questions are being answered already. Ask again in a minute.", "warning")
    else:
        if not wake.wake_answer(question.id, question.attempt):
            flash("The answer comes as soon as the queue is reachable again.", "info")
        return redirect(url_for(".show", contract=contract, platform=platform, question_id=question.id))
    return redirect(url_for(".index", contract=contract, platform=platform, q=form.q.data))


@bp.get("/<int:question_id>")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def show(contract: str, platform: str, question_id: int) -> str:
    state, integration = connected_once(platform)
    question = _question_or_404(integration, question_id)
    parts: dict[str, Any] = {
        "question": question,
        "panel_url": _url("panel", contract, platform, question_id),
    }
    if question.state == "failed":
        steps = unanswered(state.platform, question.stage, question.message or "There was no answer.")
        parts["walk"] = _linked(Walk("error", "There is no answer", steps), contract, platform)
    elif question.answer is not None:
        parts |= _answered(state, integration, contract, question)
    return render_template("why/show.html", **frame(state, contract, "why"), **parts)


@bp.get("/<int:question_id>/panel")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def panel(contract: str, platform: str, question_id: int) -> Response:
    """How far the answer is, for polling; the page is loaded anew once it is there."""
    state, integration = connected_once(platform)
    question = _question_or_404(integration, question_id)
    response = make_response(render_template("why/_waiting.html", question=question, platform=state.platform))
    if not question.open:
        response.headers["X-Poll"] = "stop"
        response.headers["X-Poll-Reload"] = "1"
    return response


def _ask_page(state: PlatformState, integration: Integration, contract: str, form: QuestionForm) -> str:
    return render_template(
        "why/index.html",
        **frame(state, contract, "why"),
        form=form,
        ask_url=url_for(".ask", contract=contract, platform=state.platform.key),
        off=None
        if integration.connection == "connected"
        else f"Connect {state.platform.label} first: people are looked for there.",
        questions=why_ask.recent(db.session(), integration.id),
    )


def _answered(
    state: PlatformState, integration: Integration, contract: str, question: Question
) -> dict[str, Any]:
    """The answer's parts of the page: the person that is chosen, whom else it may mean, or that nobody fits."""
    answer = msgspec.convert(question.answer, Answer)
    platform = state.platform.key
    chosen = _chosen(answer)
    parts: dict[str, Any] = {
        "answer": answer,
        "chosen": chosen,
        "choices": [
            (meant, _url("show", contract, platform, question.id, who=meant.remote_id))
            for meant in answer.people
        ],
    }
    if chosen is not None:
        walk = walked(state.platform, answer, chosen, _standing(state, integration, chosen))
        parts["walk"] = _linked(walk, contract, platform)
    elif answer.fit in ("near", "none"):
        steps = nobody(state.platform, answer, question.text)
        parts["walk"] = _linked(Walk("warning", f"Nobody fits “{question.text}”", steps), contract, platform)
        parts["here"] = why_ask.known_here(
            db.session(), integration.contract_id, integration.id, question.text
        )
        parts["may_see_users"] = g.access.may(MANAGE_USERS)
    return parts


def _chosen(answer: Answer) -> Meant | None:
    """Whom the address names, or the only one there is to mean."""
    who = request.args.get("who")
    if who is None:
        return answer.people[0] if len(answer.people) == 1 and answer.fit != "near" else None
    return next((meant for meant in answer.people if meant.remote_id == who), None)


def _standing(state: PlatformState, integration: Integration, meant: Meant) -> Standing:
    wanted = {*meant.fits, *meant.candidates, *([meant.user_id] if meant.user_id else [])}
    exclusion = (
        why_ask.exclusion_of(db.session(), integration.id, meant.remote_id, meant.excluded)
        if meant.excluded
        else None
    )
    return Standing(
        enabled=bool(state.sync and state.sync.enabled),
        held_run=state.held.id if state.held else None,
        users=why_ask.users_named(db.session(), integration.contract_id, wanted),
        excluded_by=f"{exclusion.created_by}, {timestamp(exclusion.created_at).absolute}"
        if exclusion
        else None,
    )


def _linked(walk: Walk, contract: str, platform: str) -> dict[str, Any]:
    """The walk with addresses in place of places; links that the person may not follow are left out."""
    return {
        "kind": walk.kind,
        "verdict": walk.verdict,
        "steps": [{"step": step, "link": _link(step, contract, platform)} for step in walk.steps],
    }


def _link(step: Step, contract: str, platform: str) -> tuple[str, str] | None:
    if step.link is None:
        return None
    text, place, key = step.link
    here: dict[str, Any] = {"contract": contract, "platform": platform}
    sync = url_for("user_sync.show", **here)
    if place == "user":
        may = g.access.may(MANAGE_USERS)
        return (text, url_for("users.show", contract=contract, user=key)) if may else None
    places = {
        "platform": lambda: url_for("platforms.show", **here),
        "types": lambda: f"{sync}#types",
        "identifier": lambda: f"{sync}#identifier",
        "sync": lambda: sync,
        "exclusions": lambda: url_for("exclusions.index", **here),
        "conflicts": lambda: url_for("conflicts.index", **here, q=key),
        "run": lambda: url_for("sync_status.run", contract=contract, run_id=key),
    }
    return text, places[place]()


def _url(endpoint: str, contract: str, platform: str, question_id: int, **query: Any) -> str:
    return url_for(f".{endpoint}", contract=contract, platform=platform, question_id=question_id, **query)


def _question_or_404(integration: Integration, question_id: int) -> Question:
    question = db.session.get(Question, question_id)
    if question is None or question.integration_id != integration.id:
        abort(404)
    return question
