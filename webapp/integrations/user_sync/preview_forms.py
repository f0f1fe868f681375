"""The settings that one preview tries, in one form."""

from __future__ import annotations

from typing import Any

from wtforms import TextAreaField, ValidationError

from webapp.core.models import UserSync
from webapp.integrations.shared.user_types import types_of
from webapp.integrations.user_sync.forms import IdentifierForm, UserTypesForm
from webapp.platforms.platform import Platform
from webapp.sync.exclusions import BadPattern, pattern_of
from webapp.sync.plan.what_if import WhatIf
from webapp.web.forms import SelectChoice

PATTERNS_MAX = 50


class TryForm(IdentifierForm, UserTypesForm):
    """Identifier, user types and email patterns together."""

    patterns = TextAreaField("Exclude these email addresses as well")

    @classmethod
    def trying(cls, platform: Platform, sync: UserSync, tried: WhatIf) -> TryForm:
        """The form with the settings ``tried``, and the saved ones where nothing else was."""
        settings = tried.over(sync)
        types = types_of(platform, settings)
        form = cls(
            column=settings.identifier_column,
            types=[one.key for one in types if one.imported],
            patterns="\n".join(tried.excluded_emails),
        )
        form.types.choices = [SelectChoice(one.key, one.label) for one in types]
        return form

    def validate_patterns(self, field: TextAreaField) -> None:
        given = (field.data or "").split()
        if len(given) > PATTERNS_MAX:
            raise ValidationError(f"Enter at most {PATTERNS_MAX} patterns.")
        for one in given:
            try:
                pattern_of(one)
            except BadPattern as error:
                raise ValidationError(f"{one[:80]}: {error}") from error

    def what_if(self, platform: Platform, sync: UserSync) -> WhatIf:
        """What differs from the saved settings, once the form is valid."""
        tried: dict[str, Any] = {}
        column = self.column.data or None
        if column != sync.identifier_column:
            tried["identifier_column"] = column
        ticked = set(self.types.data)
        if ticked != {one.key for one in types_of(platform, sync) if one.imported}:
            tried["left_out_types"] = sorted(
                one.value for one in self.types.choices if one.value not in ticked
            )
        patterns = {pattern_of(one) for one in (self.patterns.data or "").split()}
        return WhatIf(**tried, excluded_emails=tuple(sorted(patterns)))
