"""The form that pauses a schedule."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length

from webapp.integrations.shared.pause import REASON_MAX
from webapp.web.forms import one_line


class PauseForm(FlaskForm):
    """Why, for the colleagues who find it paused."""

    reason = StringField(
        "Reason",
        filters=[one_line],
        validators=[Length(max=REASON_MAX, message=f"Enter a reason of at most {REASON_MAX} characters.")],
    )
