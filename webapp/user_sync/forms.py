"""Forms of the User sync tab."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from webapp.connectors.platform import Platform
from webapp.fields import SelectChoice
from webapp.models import UserSync
from webapp.user_sync.types import types_of


def _strip(value: str | None) -> str | None:
    return value.strip() if isinstance(value, str) else value


class IdentifierForm(FlaskForm):
    """Part 1. An empty column means username, user ID and email."""

    column = StringField(
        "Primary identifier column",
        filters=[_strip],
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


class SafeguardForm(FlaskForm):
    """When a shrinking list holds the run."""

    shrink_percent = WholeNumberField(
        "More than this share of people, in percent",
        validators=[
            InputRequired("Enter a whole number from 1 to 100."),
            NumberRange(1, 100, "Enter a whole number from 1 to 100."),
        ],
    )
    shrink_people = WholeNumberField(
        "And at least this many people",
        validators=[
            InputRequired("Enter a whole number from 1 to 1,000,000."),
            NumberRange(1, 1_000_000, "Enter a whole number from 1 to 1,000,000."),
        ],
    )


class DisableForm(FlaskForm):
    """What happens to a sync that is running while User sync is switched off."""

    running: Any = RadioField(
        "The running sync",
        choices=[SelectChoice("finish", "Let it finish"), SelectChoice("stop", "Stop it at the next batch")],
        default="finish",  # the page asks only while there is one
    )
