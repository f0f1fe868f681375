"""The form of the leaver rule."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, StringField
from wtforms.validators import StopValidation

from webapp.fields import SelectChoice
from webapp.models.leaver import RULE_DAYS

NEVER, AFTER = "never", "after"
USUAL_DAYS = 30


class RuleForm(FlaskForm):
    """Never, or after so many days."""

    when = RadioField(
        "When somebody has left",
        choices=[
            SelectChoice(NEVER, "Never deactivate automatically"),
            SelectChoice(AFTER, "Deactivate after some days missing"),
        ],
    )
    days = StringField("Days missing")

    def validate_days(self, field: Field) -> None:
        low, high = RULE_DAYS
        if self.when.data != AFTER:
            return
        text = (field.data or "").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 5 and low <= int(text) <= high):
            raise StopValidation(f"Enter a whole number of days from {low} to {high}.")

    @property
    def chosen(self) -> int | None:
        """The days of a valid form; ``None`` for never."""
        return int((self.days.data or "").strip()) if self.when.data == AFTER else None
