"""Which platforms can be connected, and by which round."""

from __future__ import annotations

from authlib.integrations.flask_client import OAuth
from flask import Flask, current_app

from config import Settings
from webapp.platforms.intercom.oauth import IntercomRound
from webapp.platforms.oauth import OAuthRound
from webapp.platforms.zendesk.oauth import ZendeskRound


def init_app(app: Flask, settings: Settings) -> None:
    rounds: dict[str, OAuthRound] = {
        "intercom": IntercomRound(OAuth(app), settings),
        "zendesk": ZendeskRound(settings),
    }
    app.extensions["oauth_rounds"] = rounds


def round_for(platform: str) -> OAuthRound:
    """The OAuth round of ``platform``. Raises ``KeyError`` for one that cannot be connected."""
    found: OAuthRound = current_app.extensions["oauth_rounds"][platform]
    return found
