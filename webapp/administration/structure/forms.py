"""Forms of the structure editor. Their choices come from the tree."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, SelectField, StringField

from webapp.administration.structure.tree import Node, Tree
from webapp.core.numbers import id_or_none
from webapp.web.forms import RefusableForm, SelectChoice

INDENT = "\u2003"
TOP_CHOICE = "At the top level"
GONE = "Choose one of the list."


class AddForm(RefusableForm):
    """A new team and where it goes."""

    name = StringField("Name", id="add-name")
    parent: Any = SelectField("Below", coerce=id_or_none, id="add-parent")


class RenameForm(RefusableForm):
    """Another name; ``was`` is the one the form was opened with."""

    name = StringField("Name", id="rename-name")
    was = HiddenField(id="rename-was")


class MoveForm(RefusableForm):
    """Another place; ``was`` is the one the form was opened with."""

    parent: Any = SelectField("Below", coerce=id_or_none, id="move-parent")
    was = HiddenField(id="move-was")


class ArchiveForm(RefusableForm):
    """Where the people go who are in a team that is archived; ``shown`` is the stamp of what was shown."""

    move_to: Any = SelectField("Move them to", coerce=id_or_none)
    shown = HiddenField()


def places(tree: Tree, nodes: list[Node], first: str) -> list[SelectChoice]:
    """Teams to choose from, each set in by its level, after a choice for none."""
    return [
        SelectChoice("", first),
        *(SelectChoice(node.id, INDENT * (tree.level(node.id) - 1) + node.name) for node in nodes),
    ]
