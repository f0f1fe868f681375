"""The order in which waiting runs are begun: nobody starves, and a big list holds nobody up."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from tests.sync.office import Office, open_office
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, utcnow
from webapp.sync.run.lease import claim
from webapp.sync.schedule import schedule
from webapp.sync.schedule.pick_order import BIG, waiting


def due(office: Office, queued_at: datetime, people: int | None = 200) -> int:
    """A run that the schedule made at ``queued_at`` for a list of so many people; its id."""
    office.configure(last_found=people)
    with write_transaction() as session:
        made = schedule.request_run(session, office.integration, "schedule", None, queued_at)
        return made.run.id


def order(limit: int = 99, big_at_once: int = 1) -> list[int]:
    with write_transaction() as session:
        return [run_id for run_id, _ in waiting(session, limit, big_at_once=big_at_once)]


def test_small_lists_of_one_tick_come_before_bigger_ones_and_earlier_ticks_before_later(
    office: Office,
) -> None:
    now = utcnow()
    many, few, unknown, earlier = office, *(open_office(office.app) for _ in range(3))
    runs = {
        "many": due(many, now, 9000),
        "few": due(few, now, 20),
        "unknown": due(unknown, now, None),
        "earlier": due(earlier, now - timedelta(minutes=1), 9999),
    }
    assert order() == [runs["earlier"], runs["unknown"], runs["few"], runs["many"]]
    assert order(limit=2) == [runs["earlier"], runs["unknown"]]


def test_who_asked_themselves_comes_first_however_big_the_list(office: Office) -> None:
    late = due(office, utcnow() - timedelta(hours=1))
    asking = open_office(office.app)
    asking.configure(last_found=BIG * 5)
    asked = asking.request().id
    assert order() == [asked, late]


def test_big_lists_are_begun_a_few_at_a_time_and_keep_their_turn(office: Office) -> None:
    now = utcnow()
    first = due(office, now - timedelta(minutes=2), BIG + 1)
    second = due(open_office(office.app), now - timedelta(minutes=1), BIG * 2)
    small = due(open_office(office.app), now)
    assert order() == [first, small]  # its turn has come: a big one is not put off for ever
    assert order(big_at_once=2) == [first, second, small]
    claim(office.engine, first, 1, timedelta(seconds=60))
    assert order() == [small]
    assert order(big_at_once=2) == [second, small]
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).where(SyncRun.id == first).values(state="completed"))
    assert order() == [second, small]
