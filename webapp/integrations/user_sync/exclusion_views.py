"""The Exclusions tab of a platform."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from webapp.core.match_keys import match_key
from webapp.core.models import Exclusion, Integration, db
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS
from webapp.integrations.connection.views import connected_once, frame
from webapp.integrations.shared.platform_status import PlatformState
from webapp.integrations.user_sync import exclusion_service
from webapp.integrations.user_sync.preview_views import begin
from webapp.sync.exclusions import BadPattern, pattern_of
from webapp.sync.plan.what_if import WhatIf
from webapp.web.access import requires
from webapp.web.paging import page_of

bp = Blueprint(
    "exclusions", __name__, url_prefix="/c/<contract>/integrations/platforms/<platform>/exclusions"
)


class PatternForm(FlaskForm):
    """Whose email addresses stay out."""

    pattern = StringField(
        "Email pattern",
        validators=[
            InputRequired("Enter an email address or a domain, such as *@partner.example."),
            Length(max=255, message="Enter at most 255 characters."),
        ],
    )


@bp.get("")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def index(contract: str, platform: str) -> str:
    state, integration = connected_once(platform)
    return _page(state, integration, contract, PatternForm(formdata=None))


@bp.post("")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def add(contract: str, platform: str) -> Response | tuple[str, int]:
    state, integration = connected_once(platform)
    form = PatternForm()
    if not form.validate_on_submit():
        return _page(state, integration, contract, form), 422
    try:
        if "preview" in request.form:
            tried = WhatIf(excluded_emails=(pattern_of(form.pattern.data or ""),))
            return begin(state, integration, contract, tried)
        pattern, new = exclusion_service.exclude_emails(
            integration, form.pattern.data or "", by=current_user.name
        )
    except BadPattern as error:
        form.pattern.errors = [*form.pattern.errors, str(error)]
        return _page(state, integration, contract, form), 422
    flash(
        f"{pattern} is excluded from the next run on. Users who are here already stay."
        if new
        else f"{pattern} was excluded already.",
        "success",
    )
    return redirect(url_for(".index", contract=contract, platform=platform))


@bp.post("/<int:exclusion_id>/take-back")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def take_back(contract: str, platform: str, exclusion_id: int) -> Response:
    _, integration = connected_once(platform)
    try:
        about = exclusion_service.take_back(integration, exclusion_id)
    except LookupError:
        abort(404)
    flash(f"{about} is no longer excluded. The next run looks at them again.", "success")
    return redirect(url_for(".index", contract=contract, platform=platform))


def _page(state: PlatformState, integration: Integration, contract: str, form: PatternForm) -> str:
    q = request.args.get("q", "").strip()[:200]
    where = [Exclusion.integration_id == integration.id]
    needle = match_key(q)
    if needle:
        where.append(
            sa.or_(
                *(
                    sa.func.lower(column).contains(needle, autoescape=True)
                    for column in (Exclusion.value, Exclusion.label)
                )
            )
        )
    page = page_of(db.session.scalar(sa.select(sa.func.count()).select_from(Exclusion).where(*where)) or 0)
    rows = db.session.scalars(
        sa.select(Exclusion).where(*where).order_by(Exclusion.id.desc()).limit(page.size).offset(page.offset)
    ).all()
    return render_template(
        "exclusions/index.html",
        **frame(state, contract, "exclusions"),
        form=form,
        rows=rows,
        page=page,
        q=q,
        can_preview=integration.connection == "connected",
        types_url=url_for("user_sync.show", contract=contract, platform=state.platform.key) + "#types"
        if state.platform.user_types
        else None,
    )
