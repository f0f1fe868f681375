"""The form of a contract's settings."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, SelectField, StringField

from webapp.administration.settings.service import Settings, offered_time_zones
from webapp.web.forms import RefusableForm, SelectChoice


class SettingsForm(RefusableForm):
    """Name and time zone. The ``was_…`` fields hold what they were when the form was opened."""

    name = StringField("Name")
    time_zone: Any = SelectField("Time zone", validate_choice=False)
    was_name = HiddenField()
    was_time_zone = HiddenField()

    def opened_on(self, settings: Settings) -> SettingsForm:
        """Count as opened on those settings."""
        self.was_name.data, self.was_time_zone.data = settings.name, settings.time_zone
        self.time_zone.choices = [SelectChoice(one, one) for one in offered_time_zones(settings.time_zone)]
        return self

    @property
    def wanted(self) -> Settings:
        return Settings(self.name.data or "", self.time_zone.data or "")

    @property
    def was(self) -> Settings:
        return Settings(self.was_name.data or "", self.was_time_zone.data or "")
