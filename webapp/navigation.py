"""The sidebar: only what the person may open."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request, session, url_for
from flask_login import current_user

from config import Settings
from webapp.core.models import Contract
from webapp.core.permissions import (
    INTEGRATIONS,
    MANAGE_INTEGRATIONS,
    MANAGE_ROLES,
    MANAGE_SECURITY,
    MANAGE_STRUCTURE,
    MANAGE_USERS,
    VIEW_AUDIT,
    VIEW_SYNC_STATUS,
    Access,
    contracts_of,
    is_support,
)
from webapp.integrations.conflicts.queries import open_count
from webapp.people.directory.counts import status_counts
from webapp.platforms.registry import PLATFORMS
from webapp.web.return_url import way_back


def init_app(app: Flask, settings: Settings) -> None:
    @app.context_processor
    def _layout() -> dict[str, Any]:
        access: Access | None = g.get("access")
        signed_in = current_user.is_authenticated
        contracts = contracts_of(current_user) if signed_in else []
        return {
            "product_name": settings.product_name,
            "way_back": way_back(),
            "theme": current_user.theme if signed_in else session.get("theme", "system"),
            "access": access,
            "contract": access.contract if access else None,
            "contracts": contracts,
            "navigation": [
                *(navigation(access) if access and not access.as_support else []),
                *(
                    support_navigation([] if access else contracts)
                    if signed_in and is_support(current_user)
                    else []
                ),
            ],
            "role_label": role_label(access) if access else "",
        }


def role_label(access: Access) -> str:
    """What somebody is here, in words."""
    return "Platform support" if access.as_support else ", ".join(access.roles) or "No role"


USERS_SCREENS = (
    "users",
    "user_editing",
    "user_history",
    "user_sign_ins",
    "activation_grid",
    "activations",
    "ignoring",
    "uploads",
    "merges",
    "leavers",
)


RUN_SCREENS = ("sync_status", "run_files", "run_compare", "undo", "held_runs")


def navigation(access: Access) -> list[dict[str, Any]]:
    """Groups of links, each ``{label, items}``; an item has label, icon, url, current, count and children."""
    slug = access.contract.slug
    blueprint = request.blueprint or ""
    here = (request.view_args or {}).get("platform")
    groups: list[dict[str, Any]] = []
    if access.may(MANAGE_INTEGRATIONS, feature=INTEGRATIONS):
        children = [
            {
                "label": platform.label,
                "url": url_for("platforms.show", contract=slug, platform=platform.key),
                "current": here == platform.key,
            }
            for platform in PLATFORMS.values()
        ]
        platforms = _item(
            "Platforms",
            "plug",
            url_for("platforms.index", contract=slug),
            blueprint == "platforms" and here is None,
        )
        groups.append({"label": "Conversations", "items": [platforms | {"children": children}]})
    people = []
    if access.may(MANAGE_USERS):
        users = _item(
            "Users",
            "people",
            url_for("users.index", contract=slug),
            blueprint in USERS_SCREENS,
        )
        people.append(users | {"count": _pending_count(access)})
    if access.may(MANAGE_USERS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS):
        conflicts = _item(
            "Conflicts",
            "sign-merge-left",
            url_for("conflicts.index", contract=slug),
            blueprint == "conflicts",
        )
        waiting = open_count(access.contract.id)
        people.append(conflicts | {"count": f"{waiting:,} open" if waiting else None})
    if people:
        groups.append({"label": "People", "items": people})
    oversight = []
    if access.may(VIEW_SYNC_STATUS, feature=INTEGRATIONS):
        oversight.append(
            _item(
                "Sync status",
                "activity",
                url_for("sync_status.index", contract=slug),
                blueprint in RUN_SCREENS,
            )
        )
    if access.may(VIEW_AUDIT):
        oversight.append(
            _item("Audit log", "journal-text", url_for("audit.index", contract=slug), blueprint == "audit")
        )
    if oversight:
        groups.append({"label": "Oversight", "items": oversight})
    if administration := _administration_items(access, blueprint):
        groups.append({"label": "Administration", "items": administration})
    if settings := _settings_items(access, blueprint):
        groups.append({"label": "Settings", "items": settings})
    return groups


def support_navigation(contracts: list[Contract]) -> list[dict[str, Any]]:
    """The links of platform-wide support, and the way back to ``contracts``, in which the person works as well."""
    item = _item("All contracts", "buildings", url_for("support.index"), request.blueprint == "support")
    groups = [{"label": "Support", "items": [item]}]
    if contracts:
        own = [
            _item(contract.name, "building", url_for("home.in_contract", contract=contract.slug), False)
            for contract in contracts
        ]
        groups.append({"label": "Your contracts", "items": own})
    return groups


def _administration_items(access: Access, blueprint: str) -> list[dict[str, Any]]:
    slug = access.contract.slug
    pages = (
        (MANAGE_ROLES, "Roles", "person-badge", "roles", "roles.index"),
        (MANAGE_STRUCTURE, "Structure", "diagram-3", "structure", "structure.index"),
        (MANAGE_SECURITY, "Contract settings", "sliders", "contract_settings", "contract_settings.show"),
    )
    return [
        _item(label, icon, url_for(endpoint, contract=slug), blueprint == own)
        for permission, label, icon, own, endpoint in pages
        if access.may(permission)
    ]


def _settings_items(access: Access, blueprint: str) -> list[dict[str, Any]]:
    slug = access.contract.slug
    items = []
    if access.may(MANAGE_INTEGRATIONS, MANAGE_USERS):
        items.append(
            _item("Notifications", "bell", url_for("notify.index", contract=slug), blueprint == "notify")
        )
    if access.may(MANAGE_INTEGRATIONS, feature=INTEGRATIONS):
        items.append(
            _item("Webhook", "send", url_for("webhooks.show", contract=slug), blueprint == "webhooks")
        )
    if access.may(MANAGE_INTEGRATIONS, MANAGE_SECURITY):
        items.append(_item("Outbox", "envelope", url_for("mail.index", contract=slug), blueprint == "mail"))
    return items


def _item(label: str, icon: str, url: str, current: bool) -> dict[str, Any]:
    return {"label": label, "icon": icon, "url": url, "current": current, "count": None, "children": []}


def _pending_count(access: Access) -> str | None:
    count = status_counts(access.contract.id)["pending"]
    return f"{count:,} pending" if count else None
