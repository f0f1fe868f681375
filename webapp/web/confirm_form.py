"""A question that is answered by pressing its button."""

from __future__ import annotations

from flask_wtf import FlaskForm


class ConfirmForm(FlaskForm):
    """A question answered by pressing its button."""
