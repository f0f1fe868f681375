"""Forms of the structure editor. Their choices come from the tree."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField

from webapp.fields import SelectChoice
from webapp.structure.tree import Node, Tree

INDENT = "\u2003"
TOP_CHOICE = "At the top level"
GONE = "Choose one of the list."


def _team(value: Any) -> int | None:
    """The ID in a choice; the first one is none."""
    return int(value) if value not in ("", None) else None


class _RefusableForm(FlaskForm):
    def refuse(self, field: str, text: str) -> None:
        """Say beside the field ``field`` (or above the form, where it has none) why it cannot be."""
        if field in self:
            self[field].errors = [*self[field].errors, text]
        else:
            self.form_errors.append(text)


class AddForm(_RefusableForm):
    """A new team and where it goes."""

    name = StringField("Name", id="add-name")
    parent: Any = SelectField("Below", coerce=_team, id="add-parent")


class RenameForm(_RefusableForm):
    """Another name; ``was`` is the one the form was opened with."""

    name = StringField("Name", id="rename-name")
    was = HiddenField(id="rename-was")


class MoveForm(_RefusableForm):
    """Another place; ``was`` is the one the form was opened with."""

    parent: Any = SelectField("Below", coerce=_team, id="move-parent")
    was = HiddenField(id="move-was")


class ArchiveForm(_RefusableForm):
    """Where the people go who are in a team that is archived."""

    move_to: Any = SelectField("Move them to", coerce=_team)


def places(tree: Tree, nodes: list[Node], first: str) -> list[SelectChoice]:
    """Teams to choose from, each set in by its level, after a choice for none."""
    return [
        SelectChoice("", first),
        *(SelectChoice(node.id, INDENT * (tree.level(node.id) - 1) + node.name) for node in nodes),
    ]
