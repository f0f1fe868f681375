"""The form of the Webhook page."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from webapp.notifications.webhooks.addresses import URL_MAX
from webapp.notifications.webhooks.service import EVENTS
from webapp.web.forms import SelectChoice


def _strip(value: str | None) -> str | None:
    return value.strip() if isinstance(value, str) else value


class WebhookForm(FlaskForm):
    """Where events go, and which."""

    url = StringField(
        "Address",
        filters=[_strip],
        validators=[
            InputRequired("Enter the address of your receiver."),
            Length(max=URL_MAX, message=f"Enter an address of at most {URL_MAX} characters."),
        ],
    )
    events: Any = SelectMultipleField(
        "Send when",
        choices=[SelectChoice(key, label) for key, label in EVENTS.items()],
        validators=[InputRequired("Choose at least one event.")],
    )
