"""The teams with how many people are in them, in a constant number of statements however many teams there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.administration.structure.tree import Node, Tree
from webapp.core.match_keys import match_key
from webapp.core.models import ReportingAccess, Team, UserTeam
from webapp.people.directory.directory import PATH_SIGN

STATES = ("open", "archived", "all")


@dataclass(frozen=True)
class TeamRow:
    """A team and its people: in it, in it or below, and with reporting access to it."""

    node: Node
    level: int
    above: str
    archived: bool
    people: int
    people_below: int
    access: int


@dataclass(frozen=True)
class Counts:
    """People by team: in it, in it or anywhere below (each once), and with reporting access to it."""

    people: dict[int, int]
    with_below: dict[int, int]
    access: dict[int, int]


def counts_of(session: Session, contract_id: int, tree: Tree) -> Counts:
    """The people of every team, in three statements."""
    people = _by_team(session, contract_id, UserTeam.team_id, UserTeam.user_id)
    with_below = Counter(people)
    for node in reversed(list(tree)):  # from the bottom, so that each hands on all of its own
        if node.parent_id is not None:
            with_below[node.parent_id] += with_below[node.id]
    for teams in _in_several(session, contract_id).values():
        counted = Counter(one for team in teams for one in [team, *(node.id for node in tree.above(team))])
        for team_id, times in counted.items():
            with_below[team_id] -= times - 1
    return Counts(
        people,
        dict(with_below),
        _by_team(session, contract_id, ReportingAccess.team_id, ReportingAccess.user_id),
    )


def rows_of(tree: Tree, counts: Counts, *, q: str = "", state: str = "open") -> list[TeamRow]:
    """The teams from top to bottom, those whose name holds ``q`` and that are in ``state``."""
    needle = match_key(q)
    paths: dict[int, str] = {}
    rows = []
    for node in tree:
        above = paths.get(node.parent_id, "") if node.parent_id is not None else ""
        paths[node.id] = f"{above}{PATH_SIGN}{node.name}" if above else node.name
        archived = tree.is_archived(node.id)
        if state != "all" and archived != (state == "archived"):
            continue
        if needle and needle not in (match_key(node.name) or ""):
            continue
        rows.append(_row(tree, counts, node, above))
    return rows


def row_of(tree: Tree, counts: Counts, team_id: int) -> TeamRow:
    """One team. Raises ``LookupError``."""
    node = tree.node(team_id)
    return _row(tree, counts, node, PATH_SIGN.join(one.name for one in tree.above(team_id)))


def _row(tree: Tree, counts: Counts, node: Node, above: str) -> TeamRow:
    return TeamRow(
        node,
        tree.level(node.id),
        above,
        tree.is_archived(node.id),
        counts.people.get(node.id, 0),
        counts.with_below.get(node.id, 0),
        counts.access.get(node.id, 0),
    )


def _by_team(
    session: Session, contract_id: int, team: InstrumentedAttribute[int], user: InstrumentedAttribute[int]
) -> dict[int, int]:
    rows = session.execute(
        sa.select(Team.id, sa.func.count(user))
        .join(team.class_, team == Team.id)
        .where(Team.contract_id == contract_id)
        .group_by(Team.id)
    )
    return dict(rows.all())


def _in_several(session: Session, contract_id: int) -> dict[int, list[int]]:
    """The teams of those who are in more than one."""
    several = (
        sa.select(UserTeam.user_id)
        .join(Team, Team.id == UserTeam.team_id)
        .where(Team.contract_id == contract_id)
        .group_by(UserTeam.user_id)
        .having(sa.func.count() > 1)
    )
    found: dict[int, list[int]] = {}
    for user_id, team_id in session.execute(
        sa.select(UserTeam.user_id, UserTeam.team_id).where(UserTeam.user_id.in_(several))
    ):
        found.setdefault(user_id, []).append(team_id)
    return found
