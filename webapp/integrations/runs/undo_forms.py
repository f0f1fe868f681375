"""The form that asks for an undo."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField
from wtforms.validators import InputRequired

from webapp.integrations.runs.undo_service import GO_ON, PAUSE
from webapp.web.forms import SelectChoice


class UndoForm(FlaskForm):
    """What was shown, and what the schedule does afterwards; the page asks only while there is one."""

    stamp = HiddenField()
    then: Any = RadioField(
        "And then",
        choices=[SelectChoice(PAUSE, "Pause the schedule"), SelectChoice(GO_ON, "Let the next run go on")],
        default=PAUSE,
        validators=[InputRequired("Choose what the schedule does after the undo.")],
    )
