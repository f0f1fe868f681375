"""The forms of the page that an invitation opens."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from webapp.auth.passwords import MAX_LENGTH


def _not_too_long() -> Length:
    return Length(max=MAX_LENGTH, message=f"Enter a password of at most {MAX_LENGTH} characters.")


class NewPasswordForm(FlaskForm):
    """For who has no account: the password is taken as typed."""

    new_password = PasswordField(
        "Choose a password", validators=[InputRequired("Choose a password."), _not_too_long()]
    )


class SignInForm(FlaskForm):
    """For who has an account."""

    password = PasswordField(
        "Password", validators=[InputRequired("Enter the password of your account."), _not_too_long()]
    )
