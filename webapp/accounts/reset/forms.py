"""The forms of a forgotten password."""

from __future__ import annotations

from flask_wtf import FlaskForm

from webapp.accounts.sign_in.fields import email_field, password_field
from webapp.web.forms import RefusableForm


class ForgotForm(FlaskForm):
    email = email_field("Email", "Enter your email address.")


class NewPasswordForm(RefusableForm):
    password = password_field("New password", "Enter a new password.")
