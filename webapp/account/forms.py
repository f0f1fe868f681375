"""The forms of the account page."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from webapp.auth.passwords import MAX_LENGTH


def _not_too_long() -> Length:
    return Length(max=MAX_LENGTH, message=f"Enter a password of at most {MAX_LENGTH} characters.")


class PasswordForm(FlaskForm):
    """Passwords are taken as typed."""

    current = PasswordField(
        "Current password",
        id="password-current",
        validators=[InputRequired("Enter your current password."), _not_too_long()],
    )
    password = PasswordField(
        "New password", validators=[InputRequired("Enter the new password."), _not_too_long()]
    )


class EmailForm(FlaskForm):
    """The email is trimmed."""

    email = StringField(
        "New email",
        filters=[lambda value: value.strip() if value else value],
        validators=[
            InputRequired("Enter the new email address."),
            Length(max=254, message="Enter an email address of at most 254 characters."),
        ],
    )
    current = PasswordField(
        "Current password",
        id="email-current",
        validators=[InputRequired("Enter your current password."), _not_too_long()],
    )
