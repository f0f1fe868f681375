"""Forms of the Platforms screens."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import InputRequired

from webapp.connectors.platform import Platform


class RegionForm(FlaskForm):
    """Which region the account is hosted in; it decides where people consent."""

    site = RadioField(
        "Region of the workspace", validators=[InputRequired("Choose where the workspace is hosted.")]
    )


def connect_form(platform: Platform, site: str | None) -> RegionForm:
    """The form that asks which account of ``platform`` to connect, with ``site`` filled in at first."""
    form = RegionForm(site=site or next(iter(platform.regions), None))
    form.site.choices = [(key, region.label) for key, region in platform.regions.items()]
    return form


class ConfirmForm(FlaskForm):
    """A question answered by pressing its button."""
