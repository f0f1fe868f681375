"""May they? Feature flags and permissions, in one place.

Every view declares what it needs with :func:`requires`, :func:`signed_in` or :func:`public`; a request to a
view that declared nothing is refused. The check runs before the view, for every method alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.logs import bind
from webapp.core.models import Contract, User, db
from webapp.core.permissions import Refused, Rule, access_to, is_support, may_sync_anywhere, support_access_to
from webapp.web.headers import is_static
from webapp.web.return_url import way_back

View = TypeVar("View", bound=Callable[..., object])


class SignInAgain(Exception):
    """The sign-in is from before an administrator of the contract ended all of them there. Answered with 403."""

    def __init__(self, contract: Contract) -> None:
        super().__init__(contract.slug)
        self.contract = contract


def public(view: View) -> View:
    """Anyone may use ``view``."""
    view.access = Rule("public")  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Any account that is signed in may use ``view``."""
    view.access = Rule("signed_in")  # type: ignore[attr-defined]
    return view


def requires(*permissions: str, feature: str | None = None, support: bool = False) -> Callable[[View], View]:
    """Someone of the contract in the URL with any one of ``permissions``, while ``feature`` is on for it.

    With ``support`` platform-wide support may use the view too, while the feature is on.
    """

    def mark(view: View) -> View:
        view.access = Rule("contract", permissions, feature, support)  # type: ignore[attr-defined]
        return view

    return mark


def supports(view: View) -> View:
    """Only platform-wide support may use ``view``; for anyone else it is not there."""
    view.access = Rule("support")  # type: ignore[attr-defined]
    return view


def supports_and_syncs(view: View) -> View:
    """Only platform-wide support that may start syncs; for anyone else ``view`` is not there."""
    view.access = Rule("support_sync")  # type: ignore[attr-defined]
    return view


def init_app(app: Flask, note_visit: Callable[[User], None]) -> None:
    """Check every request against what its view declared. ``note_visit`` is told whose user is let into a contract."""

    @app.before_request
    def _checked() -> Response | None:
        refused = _check()
        access = g.get("access")
        if refused is None and access is not None and access.member is not None:
            note_visit(access.member)
        return refused


def rule_of(endpoint: str, app: Flask) -> Rule:
    """What the view behind ``endpoint`` declared; a view that declared nothing is for nobody."""
    if is_static(endpoint):
        return Rule("public")
    rule: Rule | None = getattr(app.view_functions[endpoint], "access", None)
    if rule is None:
        raise LookupError(f"the view {endpoint} does not declare who may use it")
    return rule


def _check() -> Response | None:
    if request.endpoint is None:
        return None
    rule = rule_of(request.endpoint, current_app)
    if rule.kind == "public":
        return None
    if not current_user.is_authenticated:
        return redirect(url_for("auth.sign_in", next=way_back()))
    if rule.kind == "signed_in":
        return None
    if rule.kind in ("support", "support_sync"):
        if not (is_support if rule.kind == "support" else may_sync_anywhere)(current_user):
            abort(404)
        return None
    slug = (request.view_args or {}).get("contract", "")
    access = access_to(slug, current_user, g.signed_in_at)
    refusal = access.refusal(rule) if access is not None else None
    if (access is None or refusal is not None) and rule.support and is_support(current_user):
        looking_in = support_access_to(slug, rule)
        access, refusal = (looking_in, None) if looking_in is not None else (access, refusal)
    if access is None:
        _check_sign_in(slug)
        abort(404)
    g.access = access
    bind(contract=access.contract.id)
    if refusal is not None:
        raise Refused(refusal)
    return None


def _check_sign_in(slug: str) -> None:
    """Raise :class:`SignInAgain` when a newer sign-in of the same account would open the contract."""
    contract = db.session.scalars(
        sa.select(Contract)
        .join(User, User.contract_id == Contract.id)
        .where(Contract.slug == slug, User.account_id == current_user.id, User.status == "active")
    ).one_or_none()
    if contract is not None:
        raise SignInAgain(contract)
