"""Licences cannot be oversold: the batch as a whole fits or nobody is activated, however many try at once."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.actors import Actor, make_actor
from tests.users.pages import Page, open_page
from tests.users.test_activation import agents, as_agents, everybody, listed, ticked
from tests.users.world import World
from webapp.core.models import db
from webapp.people.activation.activate import LicencesExceeded, activate
from webapp.people.activation.deactivate import deactivate
from webapp.people.bulk.licence_forecast import of_licences
from webapp.people.directory.bulk import ChangedMeanwhile
from webapp.people.directory.filters import Filters
from webapp.people.directory.selection import Selection


def test_a_batch_past_the_licence_is_refused_as_a_whole_with_the_numbers(
    world: World, manager: Actor
) -> None:
    world.set_licences(3)  # the manager has one of them
    ids = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz")

    shown = ticked(manager, world, ids)
    assert "Not enough licences, 1 short" in shown.notices
    assert "<title>Activate 3 pending users" in shown.response.text
    refused = as_agents(shown, world)

    assert refused.response.status_code == 409
    assert "<title>Error: Activate 3 pending users" in refused.response.text
    assert (
        "Nobody was changed: not enough licences, 1 short "
        "3 chosen, 2 free: Carla Diaz would stay pending. In use: 1 of 3 licences." in refused.notices
    )
    assert world.statuses(ids) == ["pending"] * 3
    assert world.audit("users.activated") == []
    kept = refused.form("/activate/confirm").values
    assert (kept["roles"], kept["team"]) == ([str(world.roles["agent"])], [str(world.teams["Billing"])])


@pytest.mark.parametrize("select", [ticked, everybody])
def test_the_first_who_fit_can_be_activated_instead(
    world: World, manager: Actor, select: Callable[..., Page]
) -> None:
    world.set_licences(3)
    ids = world.add("Dara Osei", "Anna Kim", "Bartek Nowak", "Carla Diaz")
    page = ticked(manager, world, ids) if select is ticked else everybody(manager, world)
    refused = as_agents(page, world)

    fewer = refused.form("/activate/confirm").send("Activate the first 2 instead")

    assert fewer.root.one("h1").text == "Activate 2 pending users"
    assert fewer.notices == ""
    done = as_agents(fewer, world)
    assert "2 people are active now" in done.notices
    assert world.statuses(ids) == ["pending", "active", "active", "pending"]


def test_removing_people_from_the_list_makes_the_rest_fit(world: World, manager: Actor) -> None:
    world.set_licences(2)
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    refused = as_agents(ticked(manager, world, [anna, bartek]), world)
    assert listed(refused) == ["Anna Kim", "Bartek Nowak"]

    as_agents(refused, world, ids=[bartek])

    assert world.statuses([anna, bartek]) == ["pending", "active"]


def test_when_no_licence_is_free_nobody_is_offered_instead(world: World, manager: Actor) -> None:
    world.set_licences(1)
    page = ticked(manager, world, world.add("Anna Kim"))
    assert "1 chosen, none free" in page.notices
    assert not page.root.all("button", name="first")


def test_licences_can_be_cut_below_what_is_used(world: World, manager: Actor) -> None:
    world.set_licences(0)
    page = ticked(manager, world, world.add("Anna Kim"))
    assert "2 short" in page.notices
    assert "1 of 0 licences in use" in open_page(manager, world.url).root.one(class_="page-head").text


def test_reactivating_checks_the_licence_again(world: World, manager: Actor) -> None:
    world.set_licences(1)
    ids = world.add("Anna Kim", status="inactive")
    page = ticked(manager, world, ids, "inactive")
    chosen = {"roles": [world.roles["agent"]], "team": world.teams["Billing"], "confirm": "y"}
    page = page.form("/activate/confirm").fill(**chosen).send("Reactivate")
    assert page.response.status_code == 409
    assert world.statuses(ids) == ["inactive"]


def at_once(tasks: list[Callable[[], object]]) -> list[object]:
    """Run ``tasks`` in threads that start together; what each returned, or the exception it raised."""
    gate = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> object:
        gate.wait(30)
        try:
            return task()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(run, task) for task in tasks]]


def in_processes(world: World, tasks: list[Callable[[], object]]) -> list[str]:
    """Run ``tasks`` in processes of their own that start together; "done", or what was raised."""
    fork = multiprocessing.get_context("fork")
    gate, answers = fork.Barrier(len(tasks)), fork.SimpleQueue()

    def run(task: Callable[[], object]) -> None:
        with world.app.app_context():
            for engine in db.engines.values():
                engine.dispose(close=False)  # those connections are the parent's
        gate.wait(60)
        try:
            task()
            answers.put("done")
        except Exception as error:
            answers.put(repr(error))

    children = [fork.Process(target=run, args=[task]) for task in tasks]
    for child in children:
        child.start()
    found = [answers.get() for _ in children]
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * len(children)
    return found


def test_twenty_managers_in_twenty_processes_and_one_licence_make_one_active_user(world: World) -> None:
    managers = [
        world.user_of(make_actor(world.app, world.contract_id, "manager").account_id) for _ in range(20)
    ]
    ids = world.add(*(f"Anna {letter * 3}" for letter in "abcdefghijklmnopqrst"))
    world.set_licences(21)

    def activating(manager: int, user: int) -> Callable[[], object]:
        def run() -> object:
            with world.app.app_context():
                selection = Selection(Filters("pending"), ids=(user,))
                return activate(world.contract_id, selection, agents(world), by_user_id=manager)

        return run

    answers = in_processes(world, [activating(*pair) for pair in zip(managers, ids, strict=True)])

    refused = repr(LicencesExceeded(bought=21, used=21, wanted=1))
    assert sorted(answers) == sorted([refused] * 19 + ["done"])
    assert world.active() == 21
    assert len(world.audit("users.activated")) == 1


def test_the_same_people_activated_by_ten_managers_become_active_once(world: World) -> None:
    managers = [
        world.user_of(make_actor(world.app, world.contract_id, "manager").account_id) for _ in range(10)
    ]
    ids = tuple(world.add("Anna Kim", "Bartek Nowak"))

    def activating(manager: int) -> Callable[[], object]:
        def run() -> object:
            with world.app.app_context():
                selection = Selection(Filters("pending"), ids=ids)
                return activate(world.contract_id, selection, agents(world), by_user_id=manager)

        return run

    answers = at_once([activating(manager) for manager in managers])

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(error) for error in refused] == [ChangedMeanwhile] * 9
    assert world.active() == 12
    for error in refused:
        assert isinstance(error, ChangedMeanwhile)
        assert [stray.name for stray in error.strays] == ["Anna Kim", "Bartek Nowak"]


def test_two_administrators_deactivating_each_other_leave_one(world: World) -> None:
    one, two = (
        world.user_of(make_actor(world.app, world.contract_id, "administrator").account_id) for _ in range(2)
    )

    def deactivating(by: int, whom: int) -> Callable[[], object]:
        def run() -> object:
            with world.app.app_context():
                return deactivate(world.contract_id, Selection(Filters("active"), ids=(whom,)), by_user_id=by)

        return run

    answers = at_once([deactivating(one, two), deactivating(two, one)])

    assert sum(isinstance(answer, Exception) for answer in answers) == 1
    assert sorted(world.statuses([one, two])) == ["active", "inactive"]


@pytest.mark.parametrize(
    ("free", "said"), [(0, "0 of 60 licences are"), (1, "1 of 60 licences is"), (-3, "0 of 60 licences are")]
)
def test_what_is_free_is_said_in_the_right_number(free: int, said: str) -> None:
    assert of_licences(free, 60) == said
