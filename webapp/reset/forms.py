"""The forms of a forgotten password."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from webapp.auth.passwords import MAX_LENGTH


class ForgotForm(FlaskForm):
    """The email is trimmed."""

    email = StringField(
        "Email",
        filters=[lambda value: value.strip() if value else value],
        validators=[
            InputRequired("Enter your email address."),
            Length(max=254, message="Enter an email address of at most 254 characters."),
        ],
    )


class NewPasswordForm(FlaskForm):
    """The password is taken as typed."""

    password = PasswordField(
        "New password",
        validators=[
            InputRequired("Enter a new password."),
            Length(max=MAX_LENGTH, message=f"Enter a password of at most {MAX_LENGTH} characters."),
        ],
    )
