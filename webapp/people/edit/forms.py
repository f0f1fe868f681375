"""The form of one user, new or not."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from wtforms import HiddenField, RadioField, StringField, ValidationError

from webapp.core.models.user import NAME_MAX, USERNAME_LENGTH
from webapp.core.text import clean
from webapp.people.bulk.setup_form import SetUpForm
from webapp.people.directory.directory import Directory
from webapp.people.directory.setup import Giver
from webapp.people.edit.form_state import State
from webapp.people.edit.identity import Identity
from webapp.web.forms import SelectChoice

EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
EMAIL_MAX = 254
THIRD_PARTY_MAX = 255


def _tidied(text: str | None) -> str | None:
    """``text`` as platforms' texts are stored; what :func:`_one_line` refuses stays."""
    if text is None or _broken(text.strip()):
        return text
    return clean(text) or ""


def _broken(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)


def _one_line(_form: object, field: StringField) -> None:
    if _broken(field.data or ""):
        raise ValidationError("Leave out line breaks and control characters.")


class UserForm(SetUpForm):
    """Who somebody is and, if they are to be active, what they may do."""

    name: Any = StringField("Name", filters=[_tidied], validators=[_one_line])
    username: Any = StringField("Username", filters=[_tidied], validators=[_one_line])
    email: Any = StringField("Email", filters=[_tidied], validators=[_one_line])
    third_party_id: Any = StringField("Third-party ID", filters=[_tidied], validators=[_one_line])
    stamp = HiddenField()

    active: bool = False  # whether the set-up counts

    def validate_name(self, field: StringField) -> None:
        if not field.data:
            raise ValidationError("Enter a name.")
        if len(field.data) > NAME_MAX:
            raise ValidationError(f"Enter at most {NAME_MAX} characters.")

    def validate_username(self, field: StringField) -> None:
        shortest, longest = USERNAME_LENGTH
        if not shortest <= len(field.data or "") <= longest:
            raise ValidationError(f"Enter {shortest} to {longest} characters.")

    def validate_email(self, field: StringField) -> None:
        if field.data and not (len(field.data) <= EMAIL_MAX and EMAIL.fullmatch(field.data)):
            raise ValidationError("Enter an email address, such as name@example.com.")

    def validate_third_party_id(self, field: StringField) -> None:
        if len(field.data or "") > THIRD_PARTY_MAX:
            raise ValidationError(f"Enter at most {THIRD_PARTY_MAX} characters.")

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        return (not self.active or self.complete()) and bool(valid)

    def refuse_username(self, name: str, status: str) -> None:
        """Say who has the username."""
        self.username.errors = [
            *self.username.errors,
            f"{name} has this username already ({status}). Choose another.",
        ]

    def refuse_role_change(self, text: str) -> None:
        """Say beside the roles why they cannot become these."""
        self.roles.errors = [*self.roles.errors, text]

    @property
    def identity(self) -> Identity:
        return Identity(
            self.name.data, self.username.data, self.email.data or None, self.third_party_id.data or None
        )


class NewUserForm(UserForm):
    """Somebody who is not here yet."""

    start: Any = RadioField(
        "Start as",
        choices=[SelectChoice("pending", "Pending"), SelectChoice("active", "Active")],
        default="pending",
    )

    @classmethod
    def for_contract(cls, directory: Directory, giver: Giver, *, fresh: bool) -> NewUserForm:
        form = cls(formdata=None) if fresh else cls()
        form.offer(directory, giver)
        if fresh:
            form.choose_agent()
        elif not form.username.data:
            form.username.data = form.email.data
        form.active = form.start.data == "active"
        return form


class EditForm(UserForm):
    """Somebody who is here; ``active`` ones have a set-up."""

    @classmethod
    def for_user(cls, directory: Directory, giver: Giver, state: State, *, fresh: bool) -> EditForm:
        form = cls(formdata=None) if fresh else cls()
        form.offer(directory, giver, has=state.set_up)
        form.active = state.status == "active"
        if fresh:
            form.show(state)
        return form

    def show(self, state: State) -> None:
        """Fill in what is stored."""
        identity = state.identity
        self.name.data, self.username.data = identity.name, identity.username
        self.email.data, self.third_party_id.data = identity.email, identity.third_party_id
        self.roles.data, self.team.data = sorted(state.set_up.roles), state.set_up.team
        self.access.data = sorted(state.set_up.access)
        self.stamp.data = state.stamp

    def typed(self, field: str) -> Any:
        """What the form holds for one of ``state.FIELDS``, in the type that a state has."""
        if field in ("roles", "access"):
            return frozenset(getattr(self, field).data or ())
        return getattr(self, field).data or None
