"""A list that lost too many people changes nothing until somebody has looked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.office import SOMEBODY, Office
from tests.sync.people import person
from webapp.core.models import SyncRun, utcnow
from webapp.integrations.shared.lock_and_audit import AnotherRunLive, NotEnabled
from webapp.integrations.user_sync import held_run_service
from webapp.integrations.user_sync import settings as use
from webapp.platforms.base import LeftOut
from webapp.sync.plan.safeguard import Held, Limits, Shown, held_from, judge, raised, still_covers

PEOPLE = [person(str(100 + n), f"Person {n:02}", f"p{n}@example.com") for n in range(20)]
BOT = LeftOut("900", "Fin", "operator@intercom.io", "bot")


# ------------------------------------------------------------------ the rule
@pytest.mark.parametrize(
    ("known", "found", "gone", "held"),
    [
        (100, 80, 20, False),
        (100, 79, 21, True),
        (20, 15, 5, True),
        (20, 16, 4, False),
        (10, 6, 4, False),
        (10, 5, 5, True),
        (100, 100, 100, True),
        (5, 0, 5, True),
        (1, 0, 1, True),
        (0, 0, 0, True),
        (0, 50, 0, False),
    ],
    ids=[
        "exactly the share", "more than the share", "the least number", "fewer than the least number", "few of few",
        "half of few", "all replaced", "empty", "one person gone", "empty from the start", "a first import",
    ],
)  # fmt: skip
def test_more_than_twenty_percent_and_at_least_five_people_or_nobody_at_all_holds(
    known: int, found: int, gone: int, held: bool
) -> None:
    names = [f"Name {number}" for number in range(gone)]
    assert (judge(known=known, found=found, gone_names=names, limits=Limits()) is not None) is held


def test_what_is_held_tells_the_numbers_and_some_names() -> None:
    names = [f"Name {number:02}" for number in range(30)]
    held = judge(
        known=60, found=30, gone_names=names[::-1], limits=Limits(shrink_percent=40, shrink_people=10)
    )
    assert held == Held(60, 30, 30, 40, 10, names[:20])
    assert held.gone_percent == 50.0


@pytest.mark.parametrize(
    ("linked", "new", "held"),
    [
        (100, 51, True),
        (100, 50, False),
        (20, 49, False),
        (20, 50, True),
        (0, 500, False),
        (1000, 500, False),
        (1000, 501, True),
    ],
    ids=[
        "more than the share", "exactly the share", "fewer than the least number", "the least number", "a first import",
        "half of many", "more than half of many",
    ],
)  # fmt: skip
def test_more_than_fifty_percent_and_at_least_fifty_new_users_hold(linked: int, new: int, held: bool) -> None:
    names = [f"Name {number}" for number in range(new)]
    judged = judge(
        known=linked, found=linked + new, gone_names=[], linked=linked, new_names=names, limits=Limits()
    )
    assert (judged is not None) is held
    if judged is not None:
        assert (judged.grown, judged.shrunk, judged.empty, judged.new_names) == (
            True,
            False,
            False,
            sorted(names)[:20],
        )


def test_an_approval_covers_nobody_who_was_not_shown() -> None:
    seen, shown = Held(100, 70, 30, 20, 5, []), Shown(list("abc"), [])
    assert still_covers(seen, shown, seen, Shown(list("ab"), []))
    assert not still_covers(seen, shown, seen, Shown(list("abd"), []))
    assert still_covers(seen, shown, seen, Shown(list("abc"), ["n"]))  # one who is new holds nothing
    grown = Held(100, 160, 0, 20, 5, [], 100, 60)
    assert not still_covers(seen, shown, grown, Shown([], ["n"]))


def test_what_was_held_before_people_were_kept_is_compared_by_numbers() -> None:
    seen, none = Held(100, 70, 30, 20, 5, []), Shown([], [])
    assert still_covers(seen, None, Held(100, 71, 29, 20, 5, []), none)
    assert not still_covers(seen, None, Held(100, 69, 31, 20, 5, []), none)


numbers = st.integers(0, 300)
limits = st.builds(
    Limits,
    shrink_percent=st.integers(1, 100),
    shrink_people=st.integers(1, 400),
    growth_percent=st.integers(1, 1000),
    growth_people=st.integers(1, 400),
)


@st.composite
def lists(draw: st.DrawFn) -> dict[str, Any]:
    known = draw(numbers)
    gone = draw(st.integers(0, known))
    new = draw(numbers)
    return {
        "known": known,
        "found": known - gone + new,
        "gone_names": [f"g{n}" for n in range(gone)],
        "linked": draw(st.integers(0, known)),
        "new_names": [f"n{n}" for n in range(new)],
    }


@given(lists(), limits)
def test_a_list_is_held_for_what_it_loses_or_brings_or_for_nobody_at_all(
    seen: dict[str, Any], given_limits: Limits
) -> None:
    gone, new = len(seen["gone_names"]), len(seen["new_names"])
    loses = gone >= given_limits.shrink_people and gone / seen["known"] > given_limits.shrink_percent / 100
    grows = (
        seen["linked"] > 0
        and new >= given_limits.growth_people
        and new * 100 > given_limits.growth_percent * seen["linked"]
    )
    held = judge(**seen, limits=given_limits)
    assert (held is not None) is (loses or grows or seen["found"] == 0)
    if held is not None:
        assert (held.limits, held.gone, held.new) == (given_limits, gone, new)
        assert held_from(msgspec.to_builtins(held)) == held


@given(lists(), limits)
def test_raised_limits_let_that_list_pass_are_never_lower_and_are_what_a_form_takes(
    seen: dict[str, Any], given_limits: Limits
) -> None:
    held = judge(**seen, limits=given_limits)
    if held is None:
        return
    higher = raised(held, given_limits)
    assert (judge(**seen, limits=higher) is None) is (seen["found"] > 0)
    assert all(getattr(higher, name) >= getattr(given_limits, name) for name in Limits.__struct_fields__)
    assert 1 <= higher.shrink_percent <= 100
    assert 1 <= higher.growth_percent <= 1000
    assert raised(held, higher) == higher
    if higher.shrink_percent > given_limits.shrink_percent:  # and no higher than it needs
        lower = msgspec.structs.replace(higher, shrink_percent=higher.shrink_percent - 1)
        assert judge(**seen, limits=lower) is not None


# ------------------------------------------------------------------ runs
def held_run(office: Office, left: int) -> SyncRun:
    """A run held because only ``left`` of twenty are listed."""
    office.sync(*PEOPLE)
    office.platform.people_there = PEOPLE[:left]
    run = office.sync()
    assert run.state == "held"
    return run


def gone(office: Office) -> int:
    return sum(entry.missing_since is not None for entry in office.remembered().values())


def test_a_shrunken_list_is_held_with_nothing_applied(office: Office) -> None:
    office.sync(*PEOPLE)
    office.platform.people_there = [
        person("100", "Renamed", "p0@example.com"),
        *PEOPLE[1:14],
        person("500", "New"),
    ]
    before = office.users()["p0@example.com"].name
    run = office.sync()
    assert (run.state, run.imported, run.renamed, run.missing) == ("held", 0, 0, 0)
    assert run.message == (
        "The list is much shorter than last time: 6 of 20 teammates are gone (30%; the limit is 20%), so nothing was "
        "changed. An administrator decides whether to go on."
    )
    assert run.hold == {
        "known": 20, "found": 15, "gone": 6, "percent": 20, "people": 5,
        "names": [f"Person {n}" for n in range(14, 20)],
        "linked": 20, "new": 1, "growth_percent": 50, "growth_people": 50, "new_names": ["New"],
        "restored": False, "renamed": 1,
    }  # fmt: skip
    assert (office.users()["p0@example.com"].name, len(office.users()), gone(office)) == (before, 20, 0)
    assert run.proposed
    assert office.changes(run) == [
        ("100", "renamed"),
        *((str(100 + n), "missing") for n in range(14, 20)),
        ("500", "imported"),
    ]


@pytest.mark.parametrize("set_aside", [[], [BOT]], ids=["nothing at all", "the bot alone"])
def test_a_list_without_people_is_held(office: Office, set_aside: list[LeftOut]) -> None:
    office.sync(*PEOPLE[:2])
    office.platform.people_there, office.platform.set_aside = [], set_aside
    run = office.sync()
    assert run.state == "held"
    assert (run.message or "").startswith("The list of teammates came back empty, so nothing was changed.")
    assert gone(office) == 0


def test_the_limits_are_settings(office: Office) -> None:
    office.sync(*PEOPLE)
    use.save_safeguard(office.integration_id, Limits(50, 12))
    assert office.sync(*PEOPLE[:9]).state == "completed"
    assert gone(office) == 11


def test_people_who_were_missing_already_do_not_count_again(office: Office) -> None:
    office.sync(*PEOPLE)
    for left in (16, 13, 11):
        assert office.sync(*PEOPLE[:left]).state == "completed"
    assert gone(office) == 9


def test_an_approved_run_reads_again_and_is_applied(office: Office) -> None:
    run = held_run(office, left=10)
    approved = held_run_service.approve(office.integration_id, run.id, SOMEBODY)
    assert (approved.id, approved.state, approved.attempt, approved.decided_by) == (
        run.id,
        "queued",
        2,
        "somebody",
    )
    office.work(approved)
    run = office.run(run.id)
    assert (run.state, run.missing, run.unchanged, gone(office)) == ("completed", 10, 10, 10)
    assert run.seconds is not None
    assert run.started_at is not None
    assert run.decided_at is not None
    assert run.started_at >= run.decided_at  # the time for the decision is not the run's


def test_an_approved_run_that_finds_even_more_gone_is_held_again(office: Office) -> None:
    run = held_run(office, left=10)
    office.platform.people_there = PEOPLE[:9]
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    run = office.run(run.id)
    assert (run.state, run.missing, gone(office)) == ("held", 0, 0)
    assert (run.hold or {})["gone"] == 11
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, gone(office)) == ("completed", 11)


def test_an_approved_run_whose_people_are_back_marks_nobody(office: Office) -> None:
    run = held_run(office, left=10)
    office.platform.people_there = list(PEOPLE)
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, gone(office)) == ("completed", 0)


def test_an_empty_list_can_be_approved(office: Office) -> None:
    run = held_run(office, left=0)
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, office.run(run.id).missing, gone(office)) == ("completed", 20, 20)
    assert {user.status for user in office.users().values()} == {"pending"}


def test_a_rejected_run_is_over_and_nothing_is_applied(office: Office) -> None:
    run = held_run(office, left=10)
    held_run_service.reject(office.integration_id, run.id, SOMEBODY)
    run = office.run(run.id)
    assert (run.state, run.decided_by, gone(office)) == ("cancelled", "somebody", 0)
    for decide in (held_run_service.approve, held_run_service.reject):
        with pytest.raises(held_run_service.NotHeld):
            decide(office.integration_id, run.id, SOMEBODY)


def test_a_run_can_be_approved_once(office: Office) -> None:
    run = held_run(office, left=10)
    held_run_service.approve(office.integration_id, run.id, SOMEBODY)
    with pytest.raises(held_run_service.NotHeld):
        held_run_service.approve(office.integration_id, run.id, SOMEBODY)


def test_a_held_run_does_not_stop_the_next_one_and_cannot_go_on_beside_it(office: Office) -> None:
    run = held_run(office, left=10)
    office.configure(next_run_at=utcnow())
    assert office.tick().due == 1
    with pytest.raises(AnotherRunLive):
        held_run_service.approve(office.integration_id, run.id, SOMEBODY)


def test_a_held_run_does_not_go_on_while_user_sync_is_off_or_access_is_broken(office: Office) -> None:
    run = held_run(office, left=10)
    use.disable(office.integration_id, SOMEBODY, stop_running=True)
    with pytest.raises(NotEnabled):
        held_run_service.approve(office.integration_id, run.id, SOMEBODY)
    assert office.run(run.id).state == "held"


def test_a_held_run_belongs_to_its_integration(office: Office) -> None:
    run = held_run(office, left=10)
    other = office.another()
    with pytest.raises(held_run_service.NotHeld):
        held_run_service.approve(other.integration_id, run.id, SOMEBODY)
