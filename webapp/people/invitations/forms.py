"""The forms of the page that an invitation opens."""

from __future__ import annotations

from webapp.accounts.sign_in.fields import password_field
from webapp.web.forms import RefusableForm


class NewPasswordForm(RefusableForm):
    """For who has no account."""

    new_password = password_field("Choose a password", "Choose a password.")


class SignInForm(RefusableForm):
    """For who has an account."""

    password = password_field("Password", "Enter the password of your account.")
