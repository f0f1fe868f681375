"""A tick in which very many are due: as many statements as for one, and each of them made once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.sync.office import EVERY, Office, open_office
from webapp.core.database import write_transaction
from webapp.core.models import Contract, ContractFeature, Integration, SyncRun, UserSync, db, utcnow
from webapp.core.permissions import INTEGRATIONS
from webapp.jobs import functions
from webapp.queue import wake
from webapp.queue.jobs import SYNC
from webapp.sync.schedule import schedule

MANY = 1200  # more than a database takes as single parameters


def fill(office: Office, count: int) -> None:
    """``count`` further contracts whose sync is due, each at a moment of its own."""
    now = utcnow()
    base = 10_000
    numbers = range(base, base + count)
    with write_transaction() as session:
        session.execute(
            sa.insert(Contract), [{"id": one, "slug": f"many-{one}", "name": "Many"} for one in numbers]
        )
        session.execute(
            sa.insert(ContractFeature), [{"contract_id": one, "feature": INTEGRATIONS} for one in numbers]
        )
        session.execute(
            sa.insert(Integration),
            [
                {"id": one, "contract_id": one, "platform": "intercom", "connection": "connected",
                 "credentials": "sealed"}
                for one in numbers
            ],
        )  # fmt: skip
        session.execute(
            sa.insert(UserSync),
            [
                {"integration_id": one, "enabled": True, "enabled_at": now,
                 "next_run_at": now - timedelta(seconds=one % 600)}
                for one in numbers
            ],
        )  # fmt: skip


def statements_of_a_tick(office: Office, expected: int) -> int:
    count = 0

    def one(*_: object) -> None:
        nonlocal count
        count += 1

    sa.event.listen(office.engine, "before_cursor_execute", one)
    try:
        assert office.tick(utcnow()).due == expected
    finally:
        sa.event.remove(office.engine, "before_cursor_execute", one)
    return count


def test_very_many_are_made_by_as_many_statements_as_one(office: Office) -> None:
    office.configure(next_run_at=utcnow())
    few = statements_of_a_tick(office, 1)
    fill(office, MANY)
    rows = db.session.execute(sa.select(UserSync.integration_id, UserSync.next_run_at)).all()
    planned = {row.integration_id: row.next_run_at for row in rows}
    db.session.rollback()
    assert statements_of_a_tick(office, MANY) == few
    with write_transaction() as session:
        runs = session.scalars(sa.select(SyncRun).where(SyncRun.integration_id >= 10_000)).all()
        assert len(runs) == MANY
        assert Counter(run.integration_id for run in runs).most_common(1)[0][1] == 1
        assert {
            (run.state, run.trigger, run.contract_id - run.integration_id, run.attempt) for run in runs
        } == {("queued", "schedule", 0, 1)}
        for sync in session.scalars(sa.select(UserSync).where(UserSync.integration_id >= 10_000)):
            before = planned[sync.integration_id]
            assert before is not None
            assert sync.next_run_at == before + EVERY
    assert statements_of_a_tick(office, 0) < few


def test_one_that_has_a_live_run_is_passed_over_and_the_rest_are_made(office: Office) -> None:
    second = open_office(office.app)
    live = office.request()
    for one in (office, second):
        one.configure(next_run_at=utcnow())
    assert office.tick(utcnow()).due == 2
    with write_transaction() as session:
        found = session.scalars(sa.select(SyncRun).order_by(SyncRun.id)).all()
        assert [(run.integration_id, run.trigger) for run in found] == [
            (live.integration_id, "manual"),
            (second.integration_id, "schedule"),
        ]


@pytest.mark.usefixtures("office")
def test_the_queue_holds_a_bounded_number_of_jobs(office: Office) -> None:
    fill(office, functions.WOKEN + 50)
    functions.tick()
    assert wake.queue(SYNC["intercom"]).count == functions.WOKEN
    with write_transaction() as session:
        waiting = session.scalar(sa.select(sa.func.count()).where(SyncRun.state == "queued"))
    assert waiting == functions.WOKEN + 50
    functions.tick()
    assert wake.queue(SYNC["intercom"]).count == functions.WOKEN


def test_a_slot_that_was_missed_for_days_is_planned_into_the_future(office: Office) -> None:
    now = utcnow()
    office.configure(next_run_at=now - timedelta(days=2, minutes=5))
    with write_transaction() as session:
        schedule.tick(session, now, feature=INTEGRATIONS, every=EVERY)
    assert office.sync_settings.next_run_at == now - timedelta(minutes=5) + EVERY
