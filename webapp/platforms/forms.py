"""Forms of the Platforms screens."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import InputRequired

from webapp.connectors.registry import Platform


class ConnectForm(FlaskForm):
    """Which region the workspace is hosted in; it decides where people consent."""

    region = RadioField(
        "Region of the workspace", validators=[InputRequired("Choose where the workspace is hosted.")]
    )

    @classmethod
    def for_platform(cls, platform: Platform, region: str | None) -> ConnectForm:
        """The form with the platform's regions; ``region`` is chosen unless the request says otherwise."""
        form = cls(region=region or next(iter(platform.regions), None))
        form.region.choices = [(key, value.label) for key, value in platform.regions.items()]
        return form


class ConfirmForm(FlaskForm):
    """A question answered by pressing its button."""
