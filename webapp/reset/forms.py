"""The forms of a forgotten password."""

from __future__ import annotations

from flask_wtf import FlaskForm

from webapp.auth.fields import email_field, password_field
from webapp.fields import RefusableForm


class ForgotForm(FlaskForm):
    email = email_field("Email", "Enter your email address.")


class NewPasswordForm(RefusableForm):
    password = password_field("New password", "Enter a new password.")
