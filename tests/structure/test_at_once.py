"""Changes at the same moment, on both databases: the tree stays a tree, and nobody lands in an archived team."""

from __future__ import annotations

import functools
from collections.abc import Callable

import sqlalchemy as sa

from tests.actors import make_actor
from tests.users.test_licences import at_once
from tests.users.world import World
from webapp.administration.structure import service
from webapp.administration.structure.tree import StructureRefused
from webapp.core.models import Team, UserTeam, db
from webapp.people.activation.activate import NotInContract, activate
from webapp.people.directory.filters import Filters
from webapp.people.directory.selection import Selection
from webapp.people.directory.setup import SetUp


def within(world: World, task: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with world.app.app_context():
            return task()

    return run


def test_two_moves_that_would_make_a_circle_leave_a_tree(world: World) -> None:
    """Each team goes below the other, many times at once: one move wins, the other is refused."""
    by = world.user_of(make_actor(world.app, world.contract_id, "manager").account_id)
    leeds, porto, top = (world.teams[name] for name in ("Leeds", "Porto", "top"))

    def moving(team: int, to: int) -> Callable[[], object]:
        return within(
            world,
            functools.partial(service.move, world.contract_id, team, to, was=top, by_user_id=by),
        )

    answers = at_once([moving(leeds, porto), moving(porto, leeds)] * 3)

    won = [answer for answer in answers if answer is True]
    assert len(won) == 1
    circles = [answer for answer in answers if isinstance(answer, StructureRefused)]
    assert len(circles) == 3
    with world.app.app_context():
        rows = db.session.execute(
            sa.select(Team.id, Team.parent_id, Team.level).where(Team.contract_id == world.contract_id)
        ).all()
        tree = service.tree_of(db.session(), world.contract_id)
        assert len(list(tree)) == len(rows) == 6
        assert {row.id: row.level for row in rows} == {node.id: tree.level(node.id) for node in tree}
    assert len(world.audit("team.moved")) == 1


def test_nobody_is_activated_into_a_team_that_is_archived_at_that_moment(world: World) -> None:
    by = world.user_of(make_actor(world.app, world.contract_id, "manager").account_id)
    ids = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz")
    chat = world.teams["Chat"]
    set_up = SetUp(frozenset({world.roles["agent"]}), chat, frozenset())

    def activating(user: int) -> Callable[[], object]:
        selection = Selection(Filters("pending"), ids=(user,))
        return within(world, functools.partial(activate, world.contract_id, selection, set_up, by_user_id=by))

    archive = functools.partial(
        service.archive, world.contract_id, chat, move_to=world.teams["Porto"], by_user_id=by
    )
    answers = at_once([within(world, archive), *map(activating, ids)])

    assert not [one for one in answers if isinstance(one, Exception) and not isinstance(one, NotInContract)]
    with world.app.app_context():
        assert not db.session.scalars(sa.select(UserTeam.user_id).where(UserTeam.team_id == chat)).all()
