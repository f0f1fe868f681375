"""Forms of the Users screens."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms.validators import InputRequired

from webapp.people.bulk.setup_form import SetUpForm
from webapp.people.directory.directory import Directory
from webapp.people.directory.setup import Giver


class ActivationForm(SetUpForm):
    """What everybody in the batch gets. Needs :meth:`for_contract` for its choices."""

    invite = BooleanField("Send them an invitation to sign in")
    confirm = BooleanField(
        "I have checked who is listed",
        validators=[InputRequired("Tick the box to confirm who is activated.")],
    )

    @classmethod
    def for_contract(cls, directory: Directory, giver: Giver, *, fresh: bool = False) -> ActivationForm:
        """The form with the contract's choices; ``fresh`` starts it anew with Agent chosen."""
        form = cls(formdata=None) if fresh else cls()
        form.offer(directory, giver)
        if fresh:
            form.choose_agent()
        return form

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        return self.complete() and bool(valid)


class DeactivationForm(FlaskForm):
    """A question answered by ticking its box."""

    confirm = BooleanField(
        "I have checked who is listed",
        validators=[InputRequired("Tick the box to confirm who is deactivated.")],
    )
