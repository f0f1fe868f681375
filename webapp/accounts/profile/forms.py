"""The forms of the account page."""

from __future__ import annotations

from wtforms import StringField

from webapp.accounts.sign_in.fields import email_field, password_field
from webapp.web.forms import RefusableForm


class NameForm(RefusableForm):
    """What is wrong with a name, the use case says."""

    name = StringField("Name", id="account-name")


class PasswordForm(RefusableForm):
    current = password_field("Current password", "Enter your current password.", id="password-current")
    password = password_field("New password", "Enter the new password.")


class EmailForm(RefusableForm):
    email = email_field("New email", "Enter the new email address.")
    current = password_field("Current password", "Enter your current password.", id="email-current")
