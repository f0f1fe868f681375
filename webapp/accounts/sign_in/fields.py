"""Fields of the forms by which people sign in and choose how: an email, trimmed, and passwords, as they are typed."""

from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from webapp.accounts.sign_in.passwords import MAX_LENGTH

EMAIL_MAX = 254  # characters


def email_field(label: str, missing: str) -> StringField:
    """An email; ``missing`` is what is said when there is none."""
    return StringField(
        label,
        filters=[lambda value: value.strip() if value else value],
        validators=[
            InputRequired(missing),
            Length(max=EMAIL_MAX, message=f"Enter an email address of at most {EMAIL_MAX} characters."),
        ],
    )


def password_field(label: str, missing: str, *, id: str | None = None) -> PasswordField:
    """A password; ``id`` where a page has two fields of one name."""
    return PasswordField(
        label,
        id=id,
        validators=[
            InputRequired(missing),
            Length(max=MAX_LENGTH, message=f"Enter a password of at most {MAX_LENGTH} characters."),
        ],
    )
