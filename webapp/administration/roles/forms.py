"""Forms of the roles editor."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, SelectField, SelectMultipleField, StringField

from webapp.administration.roles.queries import RoleRow
from webapp.administration.roles.service import Wanted
from webapp.core.numbers import id_or_none
from webapp.core.permissions import PERMISSIONS
from webapp.web.forms import RefusableForm, SelectChoice


class RoleForm(RefusableForm):
    """What a role is. The ``was_…`` fields hold what it was when the form was opened."""

    name = StringField("Name")
    description = StringField("Description")
    permissions: Any = SelectMultipleField(
        "Permissions", choices=[SelectChoice(key, name) for key, name in PERMISSIONS.items()]
    )
    was_name = HiddenField()
    was_description = HiddenField()
    was_permissions = HiddenField()

    @classmethod
    def of(cls, role: RoleRow) -> RoleForm:
        """The form as it is opened on a role."""
        form = cls(
            formdata=None, name=role.name, description=role.description, permissions=list(role.permissions)
        )
        form.opened_on(role)
        return form

    def opened_on(self, role: RoleRow) -> None:
        """Count from now on as opened on what the role is."""
        self.was_name.data = role.name
        self.was_description.data = role.description
        self.was_permissions.data = " ".join(sorted(role.permissions))

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            self.name.data or "", self.description.data or "", frozenset(self.permissions.data or ())
        )

    @property
    def was(self) -> Wanted:
        return Wanted(
            self.was_name.data or "",
            self.was_description.data or "",
            frozenset((self.was_permissions.data or "").split()),
        )


class DeleteForm(RefusableForm):
    """Which role those get who have the one that is deleted; ``shown`` is the stamp of those who were shown."""

    move_to: Any = SelectField("They get instead", coerce=id_or_none)
    shown = HiddenField()
