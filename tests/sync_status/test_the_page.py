"""Sync status: the health of each platform and of the processes behind it, for people who only look."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from redis import Redis

from tests.actors import make_actor, make_contract
from tests.sync.people import person
from tests.sync_status.conftest import Watched, forms, said, texts
from webapp.core import heartbeat
from webapp.core.database import write_transaction
from webapp.core.models import Integration, utcnow
from webapp.platforms.base import AccessDenied, Unavailable

HEALTH = "Health of each platform"


def platform_line(watched: Watched) -> str:
    (line,) = texts(watched.status().text, HEALTH)
    return line


def beat(watched: Watched, name: str, ago: timedelta) -> None:
    with watched.inside(), write_transaction() as session:
        heartbeat.beat(session, name, utcnow() - ago)


def test_a_platform_that_does_well_is_active_with_its_last_success_and_next_run(watched: Watched) -> None:
    watched.sync(person("1", email="ada@example.com"), person("2", "Bob", "bob@example.com"))
    line = platform_line(watched)
    for text in ("Intercom", "Active", "2 teammates: 2 imported.", "just now", "in 6 h"):
        assert text in line
    assert "Late" not in line


def test_a_failure_is_told_with_its_reason_and_stays_after_the_next_success(watched: Watched) -> None:
    watched.sync(person("1", email="ada@example.com"))
    watched.office.platform.error = Unavailable("Intercom did not answer in time.")
    failed = watched.sync()
    assert failed.state == "failed"
    line = platform_line(watched)
    assert "Error" in line
    assert (
        line.count("Intercom did not answer in time.") == 1
    )  # as what it is now; the last failure is the same
    assert line.count("just now") == 2  # when it failed, after when it succeeded
    watched.office.platform.error = None
    watched.sync()
    line = platform_line(watched)
    assert "Active" in line
    assert line.count("Intercom did not answer in time.") == 1


@pytest.mark.parametrize(
    ("age", "word"),
    [(timedelta(hours=6, minutes=25), None), (timedelta(hours=7), "late"), (timedelta(hours=13), "overdue")],
)
def test_a_sync_behind_its_promise_is_late_and_then_overdue(
    watched: Watched, age: timedelta, word: str | None
) -> None:
    watched.sync(person("1", email="ada@example.com"))
    with watched.inside() as office:
        office.configure(
            last_success_at=utcnow() - age, enabled_at=utcnow() - timedelta(days=2), next_run_at=utcnow()
        )
    line = platform_line(watched)
    assert ("Warning" in line, "Active" in line) == (word is not None, word is None)
    if word:
        assert f"The next sync is {word}." in line
        assert word.capitalize() in line


def test_a_first_import_that_does_not_come_within_the_hour_is_late(watched: Watched) -> None:
    with watched.inside() as office:
        office.configure(enabled_at=utcnow() - timedelta(minutes=65))
    line = platform_line(watched)
    assert "The first import is late." in line
    assert "Never" in line


def test_a_refused_connection_is_an_error_and_plans_no_run(watched: Watched) -> None:
    watched.office.platform.account_error = AccessDenied("Intercom refused our token.")
    with watched.inside() as office:
        run = office.request()
        office.work(run)
    line = platform_line(watched)
    assert "Error Intercom refused our token. Nobody was changed." in line
    assert "reconnect" in line
    assert "in 6 h" not in line


def test_off_and_not_connected_are_not_errors(watched: Watched) -> None:
    with watched.inside() as office:
        office.configure(enabled=False, next_run_at=None)
    line = platform_line(watched)
    assert "Off User sync is off." in line
    assert "Paused" not in line
    with watched.inside() as office, write_transaction() as session:
        session.execute(
            sa.update(Integration)
            .where(Integration.id == office.integration_id)
            .values(connection="not_connected", credentials=None)
        )
    assert "Not connected" in platform_line(watched)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("scheduler", "The scheduler is not running"), ("worker", "No worker is running")],
)
def test_each_process_is_last_seen_and_missed_when_it_is_silent(
    watched: Watched, name: str, complaint: str
) -> None:
    label = name.capitalize()
    never = said(watched.status().text)
    assert complaint in never
    assert f"{label} Not seen never seen" in never
    beat(watched, name, timedelta(seconds=10))
    alive = said(watched.status().text)
    assert complaint not in alive
    assert f"{label} Running last seen just now" in alive
    beat(watched, name, timedelta(minutes=10))
    silent = said(watched.status().text)
    assert complaint in silent
    assert f"{label} Not seen last seen 10 min ago" in silent


def test_the_queue_is_counted_and_not_known_while_it_is_away(watched: Watched) -> None:
    sync_now = f"/c/{watched.slug}/integrations/platforms/intercom/user-sync/sync-now"
    watched.admin.post(sync_now)
    assert "Waiting in the queue 1 job" in said(watched.status().text)
    watched.app.extensions["redis"] = Redis(host="127.0.0.1", port=9, socket_connect_timeout=1)
    answer = watched.status()
    assert answer.status_code == 200
    assert "Waiting in the queue Not known" in said(answer.text)


def test_the_chart_has_its_numbers_in_a_table(watched: Watched) -> None:
    watched.sync(person("1", email="ada@example.com"), person("2", "Bob", "bob@example.com"))
    watched.sync()
    watched.office.platform.error = Unavailable("Intercom did not answer in time.")
    watched.sync()
    page = watched.status().text
    listed = texts(page, "Last runs of Intercom")
    assert [line.split(" ", 3)[3] for line in listed] == ["Failed 0", "Completed 0", "Completed 2"]
    assert 'aria-label="Last runs of Intercom: 2 completed, 0 with warnings, 1 failed."' in page


def test_recent_runs_are_listed_newest_first_and_lead_to_their_page(watched: Watched) -> None:
    first = watched.sync(person("1", email="ada@example.com"))
    second = watched.sync()
    page = watched.status().text
    listed = texts(page, "Recent runs")
    assert [f"run {second.id}" in listed[0], f"run {first.id}" in listed[1]] == [True, True]
    assert "somebody" in listed[0]
    assert f'href="/c/{watched.slug}/sync-status/runs/{second.id}"' in page


def test_support_staff_find_nothing_to_press(watched: Watched) -> None:
    watched.sync(person("1", email="ada@example.com"))
    page = watched.status().text
    assert forms(page) == []
    assert "Read only" in said(page)
    assert "/integrations/platforms" not in page
    assert "Read only" not in said(watched.status(watched.admin).text)
    for path in ("sync-now", "enable", "disable"):
        address = f"/c/{watched.slug}/integrations/platforms/intercom/user-sync/{path}"
        assert watched.support.post(address).status_code == 403


def test_the_panel_alone_tells_the_same(watched: Watched) -> None:
    watched.sync(person("1", email="ada@example.com"))
    panel = watched.status(path="/panel").text
    assert "<html" not in panel
    assert texts(panel, HEALTH) == texts(watched.status().text, HEALTH)


def test_nothing_of_another_contract_is_shown(watched: Watched) -> None:
    watched.sync(person("1", "Unmistakable Name", "unmistakable@example.com"))
    neighbour = make_actor(watched.app, make_contract(watched.app, "other"), "system_access")
    page = neighbour.get("/c/other/sync-status").text
    assert "No platform to show" in said(page)
    assert "No runs yet" in said(page)
    for text in ("Workspace One", "Unmistakable", watched.slug, "sync-status/runs"):
        assert text not in page
    assert neighbour.get(f"/c/{watched.slug}/sync-status").status_code == 404
    assert neighbour.get(f"/c/{watched.slug}/sync-status/panel").status_code == 404
