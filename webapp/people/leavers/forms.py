"""The form of the leaver rule."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, StringField
from wtforms.validators import StopValidation

from webapp.core.models.leaver import RULE_DAYS
from webapp.core.numbers import whole
from webapp.web.forms import SelectChoice

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
        if self.when.data == AFTER and self.typed is None:
            raise StopValidation(f"Enter a whole number of days from {low} to {high}.")

    @property
    def typed(self) -> int | None:
        """The days in the field, whether they are asked for or not; ``None`` for what a rule cannot have."""
        low, high = RULE_DAYS
        return whole((self.days.data or "").strip(), least=low, most=high)

    @property
    def chosen(self) -> int | None:
        """The days of a valid form; ``None`` for never."""
        return self.typed if self.when.data == AFTER else None
