"""A list that lost too many people changes nothing until somebody has looked."""

from __future__ import annotations

import pytest

from tests.sync.office import SOMEBODY, Office
from tests.sync.people import person
from webapp.connectors.base import LeftOut
from webapp.held_runs import deciding
from webapp.models import SyncRun, utcnow
from webapp.sync.safeguard import Held, Limits, judge, still_covers
from webapp.user_sync import settings as use
from webapp.user_sync.locking import AnotherRunLive, NotEnabled

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
    held = judge(known=60, found=30, gone_names=names[::-1], limits=Limits(shrink_percent=40, shrink_people=10))
    assert held == Held(60, 30, 30, 40, 10, names[:20])
    assert held.gone_percent == 50.0


def test_an_approval_covers_no_more_than_what_was_seen() -> None:
    seen = Held(100, 70, 30, 20, 5, [])
    assert still_covers(seen, Held(100, 70, 30, 20, 5, []))
    assert still_covers(seen, Held(100, 71, 29, 20, 5, []))
    assert not still_covers(seen, Held(100, 69, 31, 20, 5, []))


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
        "The list is much shorter than last time: 6 of 20 teammates are gone (30 %), so nothing was changed. "
        "An administrator decides whether to go on."
    )
    assert run.hold == {
        "known": 20, "found": 15, "gone": 6, "percent": 20, "people": 5,
        "names": [f"Person {n}" for n in range(14, 20)],
    }  # fmt: skip
    assert (office.users()["p0@example.com"].name, len(office.users()), gone(office)) == (before, 20, 0)
    assert office.lines(run) == []


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
    approved = deciding.approve(office.integration_id, run.id, SOMEBODY)
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
    office.work(deciding.approve(office.integration_id, run.id, SOMEBODY))
    run = office.run(run.id)
    assert (run.state, run.missing, gone(office)) == ("held", 0, 0)
    assert (run.hold or {})["gone"] == 11
    office.work(deciding.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, gone(office)) == ("completed", 11)


def test_an_approved_run_whose_people_are_back_marks_nobody(office: Office) -> None:
    run = held_run(office, left=10)
    office.platform.people_there = list(PEOPLE)
    office.work(deciding.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, gone(office)) == ("completed", 0)


def test_an_empty_list_can_be_approved(office: Office) -> None:
    run = held_run(office, left=0)
    office.work(deciding.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, office.run(run.id).missing, gone(office)) == ("completed", 20, 20)
    assert {user.status for user in office.users().values()} == {"pending"}


def test_a_rejected_run_is_over_and_nothing_is_applied(office: Office) -> None:
    run = held_run(office, left=10)
    deciding.reject(office.integration_id, run.id, SOMEBODY)
    run = office.run(run.id)
    assert (run.state, run.decided_by, gone(office)) == ("cancelled", "somebody", 0)
    for decide in (deciding.approve, deciding.reject):
        with pytest.raises(deciding.NotHeld):
            decide(office.integration_id, run.id, SOMEBODY)


def test_a_run_can_be_approved_once(office: Office) -> None:
    run = held_run(office, left=10)
    deciding.approve(office.integration_id, run.id, SOMEBODY)
    with pytest.raises(deciding.NotHeld):
        deciding.approve(office.integration_id, run.id, SOMEBODY)


def test_a_held_run_does_not_stop_the_next_one_and_cannot_go_on_beside_it(office: Office) -> None:
    run = held_run(office, left=10)
    office.configure(next_run_at=utcnow())
    assert office.tick().due == 1
    with pytest.raises(AnotherRunLive):
        deciding.approve(office.integration_id, run.id, SOMEBODY)


def test_a_held_run_does_not_go_on_while_user_sync_is_off_or_access_is_broken(office: Office) -> None:
    run = held_run(office, left=10)
    use.disable(office.integration_id, SOMEBODY, stop_running=True)
    with pytest.raises(NotEnabled):
        deciding.approve(office.integration_id, run.id, SOMEBODY)
    assert office.run(run.id).state == "held"


def test_a_held_run_belongs_to_its_integration(office: Office) -> None:
    run = held_run(office, left=10)
    other = office.another()
    with pytest.raises(deciding.NotHeld):
        deciding.approve(other.integration_id, run.id, SOMEBODY)
