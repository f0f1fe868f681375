"""Role changes at the same moment, on both databases: somebody stays in charge, and nothing is lost unseen."""

from __future__ import annotations

import functools
from collections.abc import Callable

import sqlalchemy as sa

from tests.actors import make_actor
from tests.roles.test_pages import make_role, roles, with_role
from tests.users.test_licences import at_once
from tests.users.world import World
from webapp.administration.roles.service import RoleChanged, RoleRefused, Wanted, change, delete
from webapp.core.models import UserRole
from webapp.core.permissions import MANAGE_ROLES, MANAGE_USERS, VIEW_AUDIT, Refused

BOTH = frozenset({MANAGE_ROLES, MANAGE_USERS})


def within(world: World, task: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with world.app.app_context():
            return task()

    return run


def changing(world: World, role: int, by: int, was: Wanted, wanted: Wanted) -> Callable[[], object]:
    return within(world, functools.partial(change, world.contract_id, role, wanted, was=was, by_user_id=by))


def test_two_in_charge_taking_it_from_each_other_leave_one(world: World) -> None:
    """Nobody is an administrator here: two roles of their own permit both, and each takes it from the other."""
    one, two = (with_role(world.app, world, name, *BOTH) for name in ("Left", "Right"))
    by = [world.user_of(actor.account_id) for actor in (one, two)]
    ids = [world.roles[name] for name in ("Left", "Right")]

    answers = at_once(
        [
            changing(world, ids[1], by[0], Wanted("Right", "", BOTH), Wanted("Right", "", frozenset())),
            changing(world, ids[0], by[1], Wanted("Left", "", BOTH), Wanted("Left", "", frozenset())),
        ]
    )

    assert sorted(isinstance(answer, Refused | RoleRefused) for answer in answers) == [False, True]
    assert sorted(len(permits) for name, permits in roles(world).items() if name in ("Left", "Right")) == [
        0,
        2,
    ]


def test_nobody_gives_away_the_last_hold_on_the_contract(world: World) -> None:
    keeper = with_role(world.app, world, "Keeper", *BOTH)
    by, role = world.user_of(keeper.account_id), world.roles["Keeper"]
    was = Wanted("Keeper", "", BOTH)
    for permits in (frozenset({MANAGE_ROLES}), frozenset({MANAGE_USERS}), frozenset[str]()):
        answer = changing(world, role, by, was, Wanted("Keeper", "", permits))
        (refused,) = at_once([answer])
        assert isinstance(refused, RoleRefused)
        assert str(refused).startswith("After that nobody who can sign in could manage both")
    (refused,) = at_once(
        [
            within(
                world,
                functools.partial(
                    delete, world.contract_id, role, move_to=world.roles["agent"], by_user_id=by
                ),
            )
        ]
    )
    assert isinstance(refused, RoleRefused)
    assert roles(world)["Keeper"] == BOTH
    assert world.scalar(sa.select(sa.func.count()).where(UserRole.role_id == role)) == 1
    # a second one with both makes it possible
    make_actor(world.app, world.contract_id, "administrator")
    assert at_once([changing(world, role, by, was, Wanted("Keeper"))]) == [True]


def test_of_many_who_save_the_same_form_one_wins_and_the_others_are_told(world: World) -> None:
    by = world.user_of(make_actor(world.app, world.contract_id, "administrator").account_id)
    role = make_role(world, "Coach")
    was = Wanted("Coach")
    answers = at_once(
        [changing(world, role, by, was, Wanted(f"Coach {n}", "", frozenset({VIEW_AUDIT}))) for n in range(4)]
    )
    assert answers.count(True) == 1
    assert sum(isinstance(answer, RoleChanged) for answer in answers) == 3
    assert len(world.audit("role.changed")) == 1
