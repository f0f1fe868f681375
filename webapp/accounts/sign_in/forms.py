"""The sign-in form."""

from __future__ import annotations

from flask_wtf import FlaskForm

from webapp.accounts.sign_in.fields import email_field, password_field


class SignInForm(FlaskForm):
    email = email_field("Email", "Enter your email address.")
    password = password_field("Password", "Enter your password.")
