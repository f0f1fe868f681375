"""Forms of the User sync tab."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from webapp.core.models import UserSync
from webapp.integrations.shared.user_types import types_of
from webapp.platforms.platform import Platform
from webapp.sync.plan.safeguard import GROWTH_PERCENT_MAX, PEOPLE_MAX, PERCENT_MAX, Limits
from webapp.web.forms import SelectChoice, one_line


class IdentifierForm(FlaskForm):
    """Part 1. An empty column means username, third-party ID and email."""

    column = StringField(
        "Primary identifier column",
        filters=[one_line],
        validators=[Length(max=100, message="Enter a column name of at most 100 characters.")],
    )


class UserTypesForm(FlaskForm):
    """Which kinds of people are imported; those not ticked are left out."""

    types: Any = SelectMultipleField("Import")

    @classmethod
    def of(cls, platform: Platform, sync: UserSync) -> UserTypesForm:
        """The form with the types the last fetch saw, or those every account has; ticked as they are now."""
        types = types_of(platform, sync)
        form = cls(types=[one.key for one in types if one.imported])
        form.types.choices = [SelectChoice(one.key, one.label) for one in types]
        return form


class WholeNumberField(IntegerField):
    """A number whose validators say what is wrong with it, also when it is none."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
            float(self.data or 0)  # as the validators compare it
        except (ValueError, OverflowError):
            self.data = None


def _whole_number(label: str, most: int) -> WholeNumberField:
    text = f"Enter a whole number from 1 to {most:,}."
    return WholeNumberField(label, validators=[InputRequired(text), NumberRange(1, most, text)])


class SafeguardForm(FlaskForm):
    """When a shrinking or growing list holds the run."""

    shrink_percent = _whole_number("Losing more than this share of people, in percent", PERCENT_MAX)
    shrink_people = _whole_number("And at least this many people", PEOPLE_MAX)
    growth_percent = _whole_number(
        "Bringing more than this share of new users, in percent", GROWTH_PERCENT_MAX
    )
    growth_people = _whole_number("And at least this many new users", PEOPLE_MAX)

    def limits(self) -> Limits:
        """The limits, once they are valid."""
        return Limits(
            **{name: getattr(self, name).data for name in Limits.__struct_fields__},
        )


class DisableForm(FlaskForm):
    """What happens to a sync that is running while User sync is switched off."""

    running: Any = RadioField(
        "The running sync",
        choices=[SelectChoice("finish", "Let it finish"), SelectChoice("stop", "Stop it at the next batch")],
        default="finish",  # the page asks only while there is one
    )
