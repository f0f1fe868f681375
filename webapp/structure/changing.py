"""Changing the structure: every change reads the tree anew under the contract's lock, so two never cross."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.access import MANAGE_STRUCTURE, MANAGE_USERS
from webapp.audit import trail
from webapp.database import rows_changed, write_transaction
from webapp.models import Team, User, UserTeam, table_of, utcnow
from webapp.names import tidied
from webapp.structure.tree import Node, StructureRefused, Tree
from webapp.users import batch

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
    with _editing(contract_id, by_user_id) as (session, tree):
        tree.check_place(parent_id)
        tree.check_name(name, parent_id)
        if len(tree) >= MAX_TEAMS:
            raise StructureRefused("name", f"A contract has at most {MAX_TEAMS:,} teams.")
        level = 1 if parent_id is None else tree.level(parent_id) + 1
        team = Team(contract_id=contract_id, parent_id=parent_id, level=level, name=name)
        session.add(team)
        session.flush()
        _record(session, "team.created", contract_id, team.id, name, {"below": tree.place(parent_id)})
        return team.id


def rename(contract_id: int, team_id: int, name: str, *, was: str, by_user_id: int) -> bool:
    """Give a team another name; whether that changed anything.

    Raises :class:`StructureRefused`, :class:`ChangedMeanwhile` and ``LookupError``.
    """
    name = tidied(name)
    with _editing(contract_id, by_user_id) as (session, tree):
        node = tree.node(team_id)
        if node.name == name:
            return False
        if node.name != was:
            raise ChangedMeanwhile(node.name)
        tree.check_name(name, node.parent_id, but=team_id)
        _update(session, [team_id], name=name)
        details = {"name": trail.changed(node.name, name), "below": tree.place(node.parent_id)}
        _record(session, "team.renamed", contract_id, team_id, name, details)
        return True


def move(contract_id: int, team_id: int, parent_id: int | None, *, was: int | None, by_user_id: int) -> bool:
    """Put a team with all below it elsewhere; whether that changed anything.

    Raises :class:`StructureRefused`, :class:`ChangedMeanwhile` and ``LookupError``.
    """
    with _editing(contract_id, by_user_id) as (session, tree):
        node = tree.node(team_id)
        if node.parent_id == parent_id:
            return False
        if node.parent_id != was:
            raise ChangedMeanwhile(tree.place(node.parent_id))
        sinks = tree.moved(team_id, parent_id)
        whole = tree.with_below(team_id)
        _update(session, [team_id], parent_id=parent_id, level=Team.level + sinks)
        if sinks and whole[1:]:
            _update(session, whole[1:], level=Team.level + sinks)
        details: dict[str, Any] = {
            "below": trail.changed(tree.place(node.parent_id), tree.place(parent_id)),
            "teams moved along": f"{len(whole) - 1:,}" if whole[1:] else None,
        }
        _record(session, "team.moved", contract_id, team_id, node.name, details)
        return True


def archive(contract_id: int, team_id: int, *, move_to: int | None, by_user_id: int) -> int:
    """Archive a team with all below it, after moving the people in them to ``move_to``; how many moved.

    Reporting access stays, for what was. Raises :class:`PeopleThere`, :class:`StructureRefused`,
    ``LookupError``, and ``access.Refused`` for somebody who moves people without Manage Users.
    """
    with _editing(contract_id, by_user_id) as (session, tree):
        node = tree.node(team_id)
        if tree.is_archived(team_id):
            return 0
        whole = tree.with_below(team_id)
        if not any(other.id not in whole and not tree.is_archived(other.id) for other in tree):
            raise StructureRefused("move_to", "One team has to stay. Add another one first.")
        people = people_in(session, contract_id, whole)
        if people and move_to is None:
            raise PeopleThere(len(people))
        if people and move_to is not None:
            batch.permissions_now(session, contract_id, by_user_id, MANAGE_USERS)
            if move_to in whole or move_to not in {other.id for other in tree} or tree.is_archived(move_to):
                raise StructureRefused("move_to", "Choose a team that stays.")
            _move_people(session, contract_id, whole, people, move_to)
        _update(session, [team_id], archived_at=utcnow())
        details: dict[str, Any] = {"below": tree.place(node.parent_id)}
        if whole[1:]:
            details["teams archived along"] = f"{len(whole) - 1:,}"
        if people and move_to is not None:
            names = batch.names_of(session, contract_id, people)
            details |= {"people moved to": tree.path(move_to)} | batch.who(people, names)
        _record(session, "team.archived", contract_id, team_id, node.name, details)
        return len(people)


def bring_back(contract_id: int, team_id: int, *, by_user_id: int) -> bool:
    """Take a team, and what was archived along with it, back; whether that changed anything.

    Raises :class:`StructureRefused` while one above it is archived, and ``LookupError``.
    """
    with _editing(contract_id, by_user_id) as (session, tree):
        node = tree.node(team_id)
        if not tree.is_archived(team_id):
            return False
        for above in tree.above(team_id):
            if above.archived:
                raise StructureRefused("team", f"{above.name} is archived. Bring it back first.")
        _update(session, [team_id], archived_at=None)
        details = {"below": tree.place(node.parent_id)}
        _record(session, "team.brought_back", contract_id, team_id, node.name, details)
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


@contextmanager
def _editing(contract_id: int, by_user_id: int) -> Iterator[tuple[Session, Tree]]:
    """A transaction that alone changes the contract's structure, by somebody who may; and the tree in it."""
    with write_transaction() as session:
        batch.lock_licences(session, contract_id)
        batch.permissions_now(session, contract_id, by_user_id, MANAGE_STRUCTURE)
        yield session, tree_of(session, contract_id)


def _update(session: Session, team_ids: list[int], **values: Any) -> None:
    rows_changed(session, sa.update(Team).where(Team.id.in_(team_ids)).values(**values))


def _move_people(
    session: Session, contract_id: int, from_teams: list[int], people: list[int], to: int
) -> None:
    there = table_of(UserTeam)
    for ids in batch.chunks(people):
        already = sa.select(there.c.user_id).where(there.c.team_id == to, there.c.user_id.in_(ids))
        newcomers = sa.select(User.id, sa.literal(to), User.contract_id).where(
            User.id.in_(ids), User.contract_id == contract_id, User.id.not_in(already)
        )
        session.execute(sa.insert(there).from_select(["user_id", "team_id", "contract_id"], newcomers))
        rows_changed(
            session, sa.delete(there).where(there.c.user_id.in_(ids), there.c.team_id.in_(from_teams))
        )
        rows_changed(session, sa.update(User).where(User.id.in_(ids)).values(changed_at=utcnow()))


def _record(
    session: Session, action: str, contract_id: int, team_id: int, name: str, details: dict[str, Any]
) -> None:
    trail.record(
        session,
        action,
        name,
        contract_id=contract_id,
        target_type="team",
        target_id=team_id,
        details={label: value for label, value in details.items() if value is not None},
    )
