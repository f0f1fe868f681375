"""Forms of the Platforms screens."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import RadioField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from webapp.platforms.platform import Platform
from webapp.platforms.zendesk.subdomain import NotASubdomain, subdomain_of
from webapp.web.forms import SelectChoice


class RegionForm(FlaskForm):
    """Which region the account is hosted in; it decides where people consent."""

    site = RadioField(
        "Region of the workspace", validators=[InputRequired("Choose where the workspace is hosted.")]
    )


class SubdomainForm(FlaskForm):
    """The subdomain of the account. An address that was pasted becomes its subdomain once it is valid."""

    site = StringField(
        "Subdomain",
        validators=[
            InputRequired("Enter the subdomain of your account, such as acme."),
            Length(max=300, message="Enter only the part before .zendesk.com."),
        ],
    )

    def validate_site(self, field: StringField) -> None:
        try:
            field.data = subdomain_of(field.data or "")
        except NotASubdomain as error:
            raise ValidationError(str(error)) from error


ConnectForm = RegionForm | SubdomainForm


def connect_form(platform: Platform, site: str | None) -> ConnectForm:
    """The form that asks which account of ``platform`` to connect, with ``site`` filled in at first."""
    if not platform.regions:
        return SubdomainForm(site=site)
    form = RegionForm(site=site or next(iter(platform.regions), None))
    form.site.choices = [SelectChoice(key, region.label) for key, region in platform.regions.items()]
    return form
