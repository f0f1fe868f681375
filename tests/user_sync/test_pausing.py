"""Pausing the schedule and resuming it: no run starts by itself meanwhile, and nothing counts as late."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.sync.office import SOMEBODY, Office, open_office
from tests.sync.people import person
from tests.sync_status.conftest import said
from tests.users.pages import open_page
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, Contract, Incident, db, utcnow
from webapp.core.permissions import INTEGRATIONS
from webapp.integrations.shared import pause as use
from webapp.integrations.shared.platform_status import PlatformState, platform_state
from webapp.integrations.user_sync import settings
from webapp.platforms.base import Unavailable
from webapp.sync.schedule import incidents

LONG_AGO = timedelta(days=3)
ADA = person("1", "Ada Lovelace", "ada@example.com")


def platform_of(office: Office) -> PlatformState:
    db.session.rollback()
    state = platform_state(db.session.get_one(Contract, office.contract_id), "intercom")
    assert state is not None
    return state


def open_overdue(office: Office) -> int:
    with write_transaction() as session:
        incidents.open_overdue(session, utcnow(), feature=INTEGRATIONS)
    db.session.rollback()
    return (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(Incident)
            .where(Incident.kind == "overdue", Incident.closed_at.is_(None))
        )
        or 0
    )


def desk(app: Flask) -> tuple[Office, str, Actor]:
    with app.app_context():
        office = open_office(app)
        slug = db.session.get_one(Contract, office.contract_id).slug
        office.sync(ADA)
    return office, f"/c/{slug}/integrations/platforms", make_actor(app, office.contract_id, "administrator")


def test_a_paused_schedule_makes_no_runs_and_sync_now_still_works(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        office.sync(ADA)
        office.configure(next_run_at=utcnow() - timedelta(minutes=5))
        assert use.pause(office.integration_id, SOMEBODY, "Tidying up there.")
        assert not use.pause(office.integration_id, SOMEBODY, "again")
        assert office.tick().due == 0
        assert platform_of(office).next_run_at is None
        assert office.sync().state == "completed"
        assert use.resume(office.integration_id)
        assert not use.resume(office.integration_id)
        assert office.tick().due == 1  # it was due meanwhile
        actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
        assert [action for action in actions if action in ("user_sync.paused", "user_sync.resumed")] == [
            "user_sync.paused", "user_sync.resumed",
        ]  # fmt: skip


def test_nothing_is_late_while_paused_and_the_pause_does_not_count_after_it(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        office.sync(ADA)
        then = utcnow() - LONG_AGO
        office.configure(enabled_at=then, last_success_at=then)
        assert open_overdue(office) == 1
        use.pause(office.integration_id, SOMEBODY, "")
        assert open_overdue(office) == 0
        health = platform_of(office).health
        assert (health.status, health.freshness) == ("Paused", None)
        assert health.message == "The schedule was paused by somebody. Sync now still works."
        use.resume(office.integration_id)
        assert platform_of(office).health.freshness == "on time"
        assert open_overdue(office) == 0


def test_a_failed_run_is_still_an_error_while_paused(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        use.pause(office.integration_id, SOMEBODY, "")
        office.platform.error = Unavailable("Intercom could not be reached.")
        assert office.sync(ADA).state == "failed"
        assert platform_of(office).health.status == "Error"


def test_disabling_and_enabling_forget_the_pause(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        use.pause(office.integration_id, SOMEBODY, "why")
        settings.disable(office.integration_id, SOMEBODY, stop_running=False)
        assert office.sync_settings.paused_at is None
        with pytest.raises(use.NothingToPause):
            use.pause(office.integration_id, SOMEBODY, "why")


def test_the_tab_pauses_and_resumes_and_says_who_and_why(app: Flask) -> None:
    _, platforms, admin = desk(app)
    tab = f"{platforms}/intercom/user-sync"
    assert "Pause the schedule" in said(admin.get(tab).text)
    page = admin.post(f"{tab}/pause", {"reason": " Names are being tidied up "}, follow_redirects=True).text
    assert "The schedule is paused." in said(page)
    assert "User sync is paused" in said(page)
    assert "Its schedule is paused, so no run starts by itself." in said(page)
    assert "every 6 hours" not in said(page)
    assert "Names are being tidied up" in said(page)
    assert "None until someone resumes the schedule" in said(page)
    assert f"{tab}/sync-now" in page
    line = said(admin.get(platforms).text)
    assert "Paused just now The schedule was paused by" in line
    page = admin.post(f"{tab}/resume", follow_redirects=True).text
    assert "The schedule is on again." in said(page)
    assert "User sync is on" in said(page)


def test_a_reason_that_is_too_long_pauses_nothing(app: Flask) -> None:
    _, platforms, admin = desk(app)
    page = admin.post(
        f"{platforms}/intercom/user-sync/pause", {"reason": "x" * 201}, follow_redirects=True
    ).text
    assert "at most 200 characters. The schedule was not paused." in said(page)
    assert "User sync is on" in said(page)


def test_B16_the_schedule_is_paused_and_resumed_while_a_run_is_live(app: Flask) -> None:
    office, platforms, admin = desk(app)
    tab = f"{platforms}/intercom/user-sync"
    with app.app_context():
        run_id = office.request().id
    page = open_page(admin, tab)
    assert "The current run still finishes; to end it, stop it above." in page.text
    done = page.form("/user-sync/pause").fill(reason="Tidying up there.").send("Pause the schedule")
    assert "a run that has already started finishes" in done.notices
    schedule = done.root.one("section", id="schedule").text
    assert "The current run still finishes. After that, none starts by itself." in schedule
    assert "Tidying up there." in schedule
    assert "Tidying" not in admin.get(f"{tab}/panel").text  # what is polled has nothing that is typed in
    with app.app_context():
        office.platform.people_there = [ADA]
        office.work(office.run(run_id))
        assert office.run(run_id).state == "completed"
        assert platform_of(office).next_run_at is None
        office.request()
    resumed = open_page(admin, tab).form("/user-sync/resume").send("Resume the schedule")
    assert "The schedule is on again." in resumed.notices
