"""Undoing an activation: everybody goes back as they were, unless something else has changed somebody of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.actors import Actor, make_actor
from tests.users.pages import Page, open_page
from tests.users.test_activation import as_agents, ticked
from tests.users.test_deactivation import confirmed
from tests.users.test_deactivation import ticked as ticked_active
from tests.users.test_licences import at_once
from tests.users.world import World, statements
from webapp.core.id_ranges import ids_in, ranges
from webapp.core.models import Activation, Message, User, UserTeam, db, utcnow
from webapp.people.activation import undo_checks
from webapp.people.activation.deactivate import deactivate
from webapp.people.activation.undo import CannotUndo, undo
from webapp.people.directory.bulk import Done
from webapp.people.directory.filters import Filters
from webapp.people.directory.selection import Selection


def activated(actor: Actor, world: World, ids: list[int], status: str = "pending") -> str:
    """Activate them; the address of that activation."""
    as_agents(ticked(actor, world, ids, status), world) if status == "pending" else ticked(
        actor, world, ids, status
    ).form("/activate/confirm").fill(
        roles=[world.roles["agent"]], team=world.teams["Billing"], confirm="y"
    ).send("Reactivate")
    return f"{world.url}/activations/{world.scalar(sa.select(sa.func.max(Activation.id)))}"


def undone(actor: Actor, address: str) -> Page:
    return open_page(actor, address).form("/undo").send("Undo the activation")


def test_everybody_waits_again_since_when_they_did_before(world: World, manager: Actor) -> None:
    long_ago = utcnow() - timedelta(days=12)
    ids = world.add("Anna Kim", "Bartek Nowak", since=long_ago) + world.add("Carla Diaz")
    page = as_agents(ticked(manager, world, ids), world)
    (link,) = [one for one in page.root.all("a") if one.text == "Undo…"]

    result = undone(manager, link.attrs["href"])

    assert result.notices == "3 people are pending again. 59 of 60 licences are free."
    assert world.statuses(ids) == ["pending"] * 3
    assert world.set_up_of(ids[0]) == (set(), set(), set())
    assert world.scalar(sa.select(User.status_since).where(User.id == ids[0])) == long_ago
    oldest = open_page(manager, f"{world.url}?status=pending&sort=since")
    assert oldest.names == ["Anna Kim", "Bartek Nowak", "Carla Diaz"]
    assert oldest.text.count("12 days") == 2
    (event,) = world.audit("users.activation_undone")
    assert event.details is not None
    assert event.details["ids"] == ranges(ids)
    again = open_page(manager, link.attrs["href"])
    assert "This activation was undone" in again.notices
    assert manager.post(f"{link.attrs['href']}/undo").status_code == 302
    assert len(world.audit("users.activation_undone")) == 1


def test_an_invitation_that_waits_in_the_outbox_is_not_mailed_to_who_is_pending_again(
    world: World, manager: Actor
) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    for user in (anna, bartek):
        as_agents(ticked(manager, world, [user]), world, invite="y")
    first = world.scalar(sa.select(sa.func.min(Activation.id)))
    undone(manager, f"{world.url}/activations/{first}")
    assert world.statuses([anna, bartek]) == ["pending", "active"]
    for name, state, text in (("anna.kim", "failed", False), ("bartek.nowak", "waiting", True)):
        of = sa.select(Message.state, Message.sealed_text.is_not(None)).where(
            Message.recipient == f"{name}@acme.example"
        )
        with world.app.app_context():
            assert db.session.execute(of).one() == (state, text)


def test_a_reactivation_goes_back_to_inactive(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim", status="inactive", missing_since=utcnow())
    left = utcnow() - timedelta(days=3)
    world.change(sa.update(User).where(User.id == ids[0]).values(left_since=left))
    undone(manager, activated(manager, world, ids, "inactive"))
    assert world.statuses(ids) == ["inactive"]
    assert world.scalar(sa.select(User.left_since).where(User.id == ids[0])) == left


def _deactivate(world: World, actor: Actor, user: int) -> None:
    confirmed(ticked_active(actor, world, [user]))


def _edit(world: World, actor: Actor, user: int) -> None:
    open_page(actor, f"{world.url}/{user}/edit").form("/edit").fill(email="new@acme.example").send("Save")


def _again(world: World, actor: Actor, user: int) -> None:
    _deactivate(world, actor, user)
    activated(actor, world, [user], "inactive")


def _move(world: World, _actor: Actor, user: int) -> None:
    world.change(sa.update(UserTeam).where(UserTeam.user_id == user).values(team_id=world.teams["Porto"]))


def _promote(world: World, actor: Actor, user: int) -> None:
    world.give([user], role="administrator")


@pytest.mark.parametrize(
    ("touch", "words"),
    [
        (_deactivate, "Bartek Nowak is inactive by now"),
        (_edit, "Bartek Nowak was changed since by Person"),
        (_again, "Bartek Nowak was deactivated and activated again"),
        (_move, "Bartek Nowak has other roles, another team or other access by now"),
        (_promote, "Bartek Nowak has other roles, another team or other access by now"),
    ],
)
def test_whoever_was_changed_since_is_named_and_nobody_goes_back(
    world: World, manager: Actor, touch: Callable[[World, Actor, int], None], words: str
) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    address = activated(manager, world, [anna, bartek])
    page = open_page(manager, address)
    touch(world, manager, bartek)

    refused = page.form("/undo").send("Undo the activation")

    assert refused.response.status_code == 409
    assert "Nobody was changed: this activation cannot be undone any more" in refused.notices
    assert words in refused.notices
    assert "Anna Kim" not in refused.notices
    assert world.statuses([anna]) == ["active"]
    assert not refused.root.all("form", action=f"{address}/undo")


def test_A1_a_refused_undo_reads_the_log_as_often_as_its_page(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    address = activated(manager, world, [anna, bartek])
    form = open_page(manager, address).form("/undo")
    _deactivate(world, manager, bartek)
    with statements(world.app) as refused:
        assert form.send("Undo the activation").response.status_code == 409
    with statements(world.app) as shown:
        open_page(manager, address)
    reads = [sum("FROM audit_events" in one for one in said) for said in (refused, shown)]
    assert reads[0] == reads[1] > 0


def test_a_name_from_a_sync_does_not_stand_in_the_way(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    address = activated(manager, world, ids)
    world.change(sa.update(User).where(User.id == ids[0]).values(name="Anna Lund", changed_at=utcnow()))
    assert undone(manager, address).notices.startswith("Anna Lund is pending again.")


def test_nobody_undoes_what_is_above_them(world: World, manager: Actor, administrator: Actor) -> None:
    ids = world.add("Anna Kim")
    form = ticked(administrator, world, ids).form("/activate/confirm")
    form.fill(roles=[world.roles["administrator"]], access=[world.teams["top"]], team="", confirm="y")
    form.send("Activate")
    address = f"{world.url}/activations/{world.scalar(sa.select(sa.func.max(Activation.id)))}"
    assert "Anna Kim may do more than you" in open_page(manager, address).notices
    assert manager.post(f"{address}/undo").status_code == 409
    assert world.statuses(ids) == ["active"]
    assert "Anna Kim" in open_page(manager, f"{world.url}/activations").names
    other = make_actor(world.app, world.contract_id, "administrator")
    undone(other, address)
    assert world.statuses(ids) == ["pending"]


def test_undoing_twice_or_while_somebody_is_deactivated_happens_once(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    activated(manager, world, [anna, bartek])
    made = int(world.scalar(sa.select(sa.func.max(Activation.id))))
    me = world.user_of(manager.account_id)

    def undoing() -> object:
        with world.app.app_context():
            return undo(world.contract_id, made, by="Ada", by_user_id=me)

    def deactivating() -> object:
        with world.app.app_context():
            selection = Selection(Filters("active"), ids=(anna,))
            return deactivate(world.contract_id, selection, by_user_id=me)

    *undos, end = at_once([undoing, undoing, deactivating])
    if isinstance(end, Done):  # the deactivation was first
        assert all(isinstance(one, CannotUndo) for one in undos)
        assert world.statuses([anna, bartek]) == ["inactive", "active"]
    else:
        assert sorted(type(one).__name__ for one in undos) == ["Done", "UndoneBefore"]
        assert world.statuses([anna, bartek]) == ["pending", "pending"]


def test_ranges_are_read_back() -> None:
    for ids in ([], [4], [4, 5, 6, 9], list(range(1, 2000, 3)), [7, 8, 2**62]):
        assert ids_in(ranges(ids)) == sorted(ids)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=20))
def test_A1_the_last_event_about_each_is_named_and_nobody_is_looked_at_twice(
    spans: list[tuple[int, int]],
) -> None:
    left, expected = undo_checks._Left(30), set(range(30))
    for start, stop in spans:
        found = list(left.taken(slice(start, stop)))
        assert found == sorted(expected & set(range(start, stop)))
        expected -= set(found)


def test_A1_thousands_of_later_batches_cost_no_more_than_their_ranges() -> None:
    people = 10_000
    left = undo_checks._Left(people)
    walked = left._next = Walked(left._next)
    for _ in range(2_000):
        list(left.taken(slice(0, people)))
    assert walked.reads <= 10 * people + 10 * 2_000


class Walked(list[int]):
    """A list that counts how often it is read."""

    reads = 0

    def __getitem__(self, place: int) -> int:  # type: ignore[override]
        self.reads += 1
        return super().__getitem__(place)
