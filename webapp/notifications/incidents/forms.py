"""The form of the Notifications page."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectMultipleField

from webapp.notifications.incidents.kinds import Kind
from webapp.web.forms import SelectChoice


class ChoicesForm(FlaskForm):
    """Which mails somebody gets, among those they can have."""

    kinds: Any = SelectMultipleField("Send me an email when")

    def offer(self, kinds: list[Kind]) -> None:
        """Let these kinds be chosen and no other."""
        self.kinds.choices = [SelectChoice(kind.key, kind.label) for kind in kinds]
