"""Changing the structure: every change reads the tree anew under the contract's lock, so two never cross."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.administration.structure.tree import Node, StructureRefused, Tree
from webapp.administration.transaction import Editing, ShownBefore, editing, stamp_of
from webapp.core.audit import log
from webapp.core.database import rows_changed
from webapp.core.models import Team, UserTeam, utcnow
from webapp.core.names import tidied
from webapp.core.permissions import MANAGE_STRUCTURE, MANAGE_USERS
from webapp.people.directory.directory import directory_of
from webapp.people.directory.giving import seen_by

MAX_TEAMS = 5_000  # in one contract, archived ones too


class ChangedMeanwhile(Exception):
    """Somebody else changed it after the form was opened. Nothing was changed; ``now`` is how it is."""

    def __init__(self, now: str) -> None:
        super().__init__(now)
        self.now = now


class PeopleThere(Exception):
    """A team cannot be archived as long as ``count`` people are in it or below."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} people")
        self.count = count


def tree_of(session: Session, contract_id: int) -> Tree:
    """The contract's teams, in one statement."""
    rows = session.execute(
        sa.select(Team.id, Team.parent_id, Team.name, Team.archived_at).where(Team.contract_id == contract_id)
    )
    return Tree(Node(row.id, row.parent_id, row.name, row.archived_at is not None) for row in rows)


def add(contract_id: int, name: str, parent_id: int | None, *, by_user_id: int) -> int:
    """A new team below ``parent_id``, or at the top; its ID. Raises :class:`StructureRefused`."""
    name = tidied(name)
    with _editing(contract_id, by_user_id) as (edit, tree):
        tree.check_place(parent_id)
        tree.check_name(name, parent_id)
        if len(tree) >= MAX_TEAMS:
            raise StructureRefused("name", f"A contract has at most {MAX_TEAMS:,} teams.")
        level = 1 if parent_id is None else tree.level(parent_id) + 1
        team = Team(contract_id=contract_id, parent_id=parent_id, level=level, name=name)
        edit.session.add(team)
        edit.session.flush()
        edit.record("team.created", name, "team", team.id, {"below": tree.place(parent_id)})
        return team.id


def rename(contract_id: int, team_id: int, name: str, *, was: str, by_user_id: int) -> bool:
    """Give a team another name; whether that changed anything.

    Raises :class:`StructureRefused`, :class:`ChangedMeanwhile` and ``LookupError``.
    """
    name = tidied(name)
    with _editing(contract_id, by_user_id) as (edit, tree):
        node = tree.node(team_id)
        if node.name == name:
            return False
        if node.name != was:
            raise ChangedMeanwhile(node.name)
        tree.check_name(name, node.parent_id, but=team_id)
        _update(edit, [team_id], name=name)
        details = {"name": log.changed(node.name, name), "below": tree.place(node.parent_id)}
        edit.record("team.renamed", name, "team", team_id, details)
        return True


def move(contract_id: int, team_id: int, parent_id: int | None, *, was: int | None, by_user_id: int) -> bool:
    """Put a team with all below it elsewhere; whether that changed anything.

    Raises :class:`StructureRefused`, :class:`ChangedMeanwhile` and ``LookupError``.
    """
    with _editing(contract_id, by_user_id) as (edit, tree):
        node = tree.node(team_id)
        if node.parent_id == parent_id:
            return False
        if node.parent_id != was:
            raise ChangedMeanwhile(tree.place(node.parent_id))
        sinks = tree.moved(team_id, parent_id)
        whole = tree.with_below(team_id)
        if parent_id is not None:  # whoever sees the place sees what is moved there
            _check_seen(edit.session, contract_id, node, by_user_id)
        _update(edit, [team_id], parent_id=parent_id, level=Team.level + sinks)
        if sinks and whole[1:]:
            _update(edit, whole[1:], level=Team.level + sinks)
        details: dict[str, Any] = {
            "below": log.changed(tree.place(node.parent_id), tree.place(parent_id)),
            "teams moved along": f"{len(whole) - 1:,}" if whole[1:] else None,
        }
        edit.record("team.moved", node.name, "team", team_id, details)
        return True


def archive(
    contract_id: int, team_id: int, *, move_to: int | None, by_user_id: int, shown: str | None = None
) -> int:
    """Archive a team with all below it, after moving the people in them to ``move_to``; how many moved.

    Reporting access stays, for what was. ``shown`` is the stamp of the teams and people that were shown. Raises
    :class:`PeopleThere`, :class:`StructureRefused`, ``ShownBefore``, ``LookupError``, and ``access.Refused`` for
    somebody who moves people without Manage Users.
    """
    with _editing(contract_id, by_user_id) as (edit, tree):
        node = tree.node(team_id)
        if tree.is_archived(team_id):
            return 0
        whole = tree.with_below(team_id)
        if not tree.left_without(whole):
            raise StructureRefused("move_to", "One team has to stay. Add another one first.")
        people = people_in(edit.session, contract_id, whole)
        if people and move_to is None:
            raise PeopleThere(len(people))
        details: dict[str, Any] = {
            "below": tree.place(node.parent_id),
            "teams archived along": f"{len(whole) - 1:,}" if whole[1:] else None,
        }
        if people and move_to is not None:
            edit.need(MANAGE_USERS)
            if move_to not in {other.id for other in tree.left_without(whole)}:
                raise StructureRefused("move_to", "Choose a team that stays.")
        if shown is not None and (people or whole[1:]) and shown != stamp_of(whole, people):
            raise ShownBefore
        if people and move_to is not None:
            details["people moved to"] = tree.path(move_to)
            details |= edit.hand_over(people, UserTeam, whole, move_to)
        _update(edit, [team_id], archived_at=utcnow())
        edit.record("team.archived", node.name, "team", team_id, details)
        return len(people)


def bring_back(contract_id: int, team_id: int, *, by_user_id: int) -> bool:
    """Take a team, and what was archived along with it, back; whether that changed anything.

    Raises :class:`StructureRefused` while one above it is archived, and ``LookupError``.
    """
    with _editing(contract_id, by_user_id) as (edit, tree):
        node = tree.node(team_id)
        if not tree.is_archived(team_id):
            return False
        for above in tree.above(team_id):
            if above.archived:
                raise StructureRefused("team", f"{above.name} is archived. Bring it back first.")
        _update(edit, [team_id], archived_at=None)
        details = {"below": tree.place(node.parent_id)}
        edit.record("team.brought_back", node.name, "team", team_id, details)
        return True


def people_in(session: Session, contract_id: int, team_ids: list[int]) -> list[int]:
    """The users who are in any of those teams."""
    return list(
        session.scalars(
            sa.select(UserTeam.user_id)
            .where(UserTeam.contract_id == contract_id, UserTeam.team_id.in_(team_ids))
            .distinct()
            .order_by(UserTeam.user_id)
        )
    )


def _check_seen(session: Session, contract_id: int, node: Node, by_user_id: int) -> None:
    directory = directory_of(session, contract_id)
    if node.id not in seen_by(session, directory, by_user_id):
        raise StructureRefused(
            "parent",
            f"You do not see {node.name} yourself, so you cannot let others see it by moving it. "
            "Ask a colleague whose reporting access covers it.",
        )


@contextmanager
def _editing(contract_id: int, by_user_id: int) -> Iterator[tuple[Editing, Tree]]:
    """A transaction that alone changes the contract's structure, by somebody who may; and the tree in it."""
    with editing(contract_id, by_user_id, MANAGE_STRUCTURE) as edit:
        yield edit, tree_of(edit.session, contract_id)


def _update(edit: Editing, team_ids: list[int], **values: Any) -> None:
    rows_changed(edit.session, sa.update(Team).where(Team.id.in_(team_ids)).values(**values))
