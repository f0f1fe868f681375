"""The fields that give somebody roles, a team and reporting access, for every form that does."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectField, SelectMultipleField

from webapp.core.numbers import id_of_choice, id_or_none
from webapp.people.directory.directory import Directory
from webapp.people.directory.setup import (
    NOTHING,
    Giver,
    SetUp,
    access_refusal,
    beyond,
    lacking,
    role_refusal,
    unseen,
)
from webapp.web.forms import SelectChoice

NONE = SetUp(NOTHING, None, NOTHING)


class SetUpForm(FlaskForm):
    """Roles, team and reporting access. Needs :meth:`offer` for its choices."""

    roles: Any = SelectMultipleField("Roles", coerce=id_of_choice)
    team: Any = SelectField("Team", coerce=id_or_none)
    access: Any = SelectMultipleField("Reporting access", coerce=id_of_choice)

    directory: Directory
    giver: Giver
    has: SetUp

    def offer(self, directory: Directory, giver: Giver, has: SetUp = NONE) -> None:
        """Fill in the contract's choices, for ``giver``; archived teams only for whoever ``has`` them already."""
        self.directory = directory
        self.giver = giver
        self.has = has
        teams = [
            (team, " (archived)" if team.archived else "")
            for team in directory.teams
            if not team.archived or team.id in has.teams
        ]
        self.roles.choices = [SelectChoice(role.id, role.name) for role in directory.roles]
        self.team.choices = [
            SelectChoice("", "No team"),
            *(SelectChoice(team.id, team.path + note) for team, note in teams),
        ]
        self.access.choices = [SelectChoice(team.id, team.name + note) for team, note in teams]

    def choose_agent(self) -> None:
        """Start with Agent chosen."""
        if self.directory.agent_id is not None:
            self.roles.data = [self.directory.agent_id]

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        for field, text in (
            (self.roles, "A role that was chosen is not there any more. Look at the roles again."),
            (self.team, "The team that was chosen is archived or not there any more. Choose another."),
            (self.access, "A part that was chosen is archived or not there any more. Look at them again."),
        ):
            if field.errors:
                field.errors = [text]
        return bool(valid)

    def complete(self) -> bool:
        """Whether the set-up is one that somebody can work with and that may be given; else says what is not."""
        if self.roles.errors or self.team.errors or self.access.errors:
            return False
        gaps = lacking(self.roles.data, self.team.data is not None, bool(self.access.data), self.directory)
        for gap in gaps:
            self.refuse(gap)
        if too_much := beyond(self.roles.data, self.giver.permissions, self.directory):
            self.roles.errors = [*self.roles.errors, role_refusal(too_much)]
        if hidden := unseen(self.access.data or (), self.giver, self.directory, has=self.has.access):
            self.access.errors = [*self.access.errors, access_refusal(hidden)]
        return not gaps and not too_much and not hidden

    def refuse(self, gap: str) -> None:
        """Say beside its field what is missing: a code of ``set_up.lacking``."""
        field, text = {
            "role": (self.roles, "Choose at least one role."),
            "team": (self.team, "Choose a team: every agent needs one."),
            "reporting": (
                self.access,
                "Choose at least one part of the structure: every role other than Agent needs it.",
            ),
        }[gap]
        field.errors = [*field.errors, text]

    @property
    def not_yours(self) -> list[int]:
        """The roles that cannot be given by whoever fills the form in."""
        return [role.id for role in beyond(self.directory.role_by_id, self.giver.permissions, self.directory)]

    @property
    def not_seen(self) -> list[int]:
        """The parts of the structure that cannot be given by whoever fills the form in."""
        shown = {choice.value for choice in self.access.choices}
        return [team.id for team in unseen(shown, self.giver, self.directory, has=self.has.access)]

    @property
    def set_up(self) -> SetUp:
        return SetUp(frozenset(self.roles.data), self.team.data, frozenset(self.access.data))
