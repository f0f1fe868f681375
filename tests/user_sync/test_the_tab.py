"""The User sync tab through its forms: identifier, Enable, Disable, Sync now, safeguard, held runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from redis import Redis

from tests.pages import Page
from tests.platforms.conftest import PAGE, Desk
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, User, UserSync, db, utcnow

TAB = f"{PAGE}/user-sync"


@pytest.fixture
def connected(desk: Desk) -> Desk:
    desk.connect()
    return desk


@pytest.fixture
def synced(connected: Desk) -> Desk:
    connected.admin.post(f"{TAB}/enable")
    assert connected.work().imported == 203
    return connected


def sync_settings(desk: Desk) -> UserSync:
    with desk.app.app_context():
        return db.session.scalars(sa.select(UserSync)).one()


def runs(desk: Desk) -> list[SyncRun]:
    with desk.app.app_context():
        return list(db.session.scalars(sa.select(SyncRun).order_by(SyncRun.id)))


def press(desk: Desk, path: str, **fields: object) -> str:
    return desk.admin.post(f"{TAB}/{path}", fields, follow_redirects=True).text


def test_before_connecting_enable_says_why_it_is_off(desk: Desk) -> None:
    page = desk.admin.get(TAB).text
    assert "Connect Intercom first." in page
    assert desk.admin.post(f"{TAB}/enable").status_code == 404


def test_before_connecting_nothing_offers_to_save_and_the_figures_are_those_to_come(desk: Desk) -> None:
    text = desk.admin.get(TAB.replace("intercom", "zendesk")).text
    page = Page(text)
    saving = [button for button in page.all("button") if button.text.strip().startswith("Save")]
    assert [button.text.strip() for button in saving] == [
        "Save identifier",
        "Save user types",
        "Save safeguard",
    ]
    assert all("disabled" in button.attributes for button in saving)
    assert "more than 20% and at least 5 people" in text


def test_enabling_starts_the_first_import_and_plans_the_next(connected: Desk) -> None:
    page = press(connected, "enable")
    assert "The first import has started" in page
    (run,) = runs(connected)
    assert (run.state, run.trigger) == ("queued", "enable")
    next_run_at = sync_settings(connected).next_run_at
    assert next_run_at is not None
    assert timedelta(hours=5, minutes=50) < next_run_at - utcnow() <= timedelta(hours=6)
    press(connected, "enable")
    assert len(runs(connected)) == 1
    run = connected.work()
    assert (run.state, run.found, run.imported, run.left_out) == ("completed", 204, 203, 1)
    with connected.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).where(User.status == "pending")) == 203


def test_the_columns_of_the_first_fetch_are_offered_with_an_example(synced: Desk) -> None:
    page = synced.admin.get(TAB).text
    assert "columns seen in the last fetch" in page
    assert "rosalind.achebe<wbr>@kestrel.example" in page
    assert "Not unique" in page


def test_the_identifier_is_saved_cleared_and_refused_with_what_was_typed(synced: Desk) -> None:
    assert "the column “email”" in press(synced, "identifier", column=" email ")
    assert sync_settings(synced).identifier_column == "email"
    assert "username, third-party ID and email" in press(synced, "identifier", column="")
    assert sync_settings(synced).identifier_column is None
    assert "the column “id”" in press(synced, "identifier", column="", use="id")
    answer = synced.admin.post(f"{TAB}/identifier", {"column": "x" * 101})
    assert answer.status_code == 422
    assert "x" * 101 in answer.text


def test_a_column_nobody_has_fails_the_run_and_names_those_there_are(synced: Desk) -> None:
    press(synced, "identifier", column="payroll_number")
    press(synced, "sync-now")
    run = synced.work()
    assert run.state == "failed"
    assert "“payroll_number”" in (run.message or "")
    assert "job_title" in (run.message or "")


def test_sync_now_joins_what_is_going_on(synced: Desk) -> None:
    assert "A run has started" in press(synced, "sync-now")
    assert "your request joins it" in press(synced, "sync-now")
    assert len(runs(synced)) == 2


def test_disabling_without_a_run_needs_no_further_answer(synced: Desk) -> None:
    page = synced.admin.get(f"{TAB}/disable").text
    assert "What stays" in page
    assert "User sync is disabled" in press(synced, "disable")
    assert (sync_settings(synced).enabled, sync_settings(synced).next_run_at) == (False, None)
    assert "User sync is off. Enable it first." in press(synced, "sync-now")
    assert "User sync is enabled. A run has started" in press(synced, "enable")


@pytest.mark.parametrize(("running", "asked"), [("finish", False), ("stop", True)])
def test_disabling_during_a_run_lets_it_finish_or_stops_it(synced: Desk, running: str, asked: bool) -> None:
    press(synced, "sync-now")
    with synced.app.app_context(), write_transaction() as session:
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.state == "queued")
            .values(state="running", started_at=utcnow(), lease_expires_at=utcnow() + timedelta(minutes=1))
        )
    assert "A run is going on right now." in synced.admin.get(f"{TAB}/disable").text
    assert "User sync is disabled" in press(synced, "disable", running=running)
    assert (runs(synced)[-1].cancel_requested_at is not None) == asked


def test_the_safeguard_form_keeps_what_was_typed(synced: Desk) -> None:
    limits = {"shrink_percent": "200", "shrink_people": "7", "growth_percent": "60", "growth_people": "70"}
    answer = synced.admin.post(f"{TAB}/safeguard", limits)
    assert answer.status_code == 422
    assert 'value="200"' in answer.text
    limits["shrink_percent"] = "30"
    page = press(synced, "safeguard", **limits)
    assert "more than 30% and at least 7 people, or bring more than 60% and at least 70 new users." in page
    assert "70 new users, as before." in press(synced, "safeguard", **limits)


def test_a_held_run_is_rejected_or_approved_on_its_page(synced: Desk) -> None:
    everybody = synced.intercom.control("GET", "admins")["admins"]  # type: ignore[index]
    synced.intercom.control("PUT", "admins", {"admins": everybody[:60]})
    press(synced, "sync-now")
    run = synced.work()
    assert run.state == "held"
    page = synced.admin.get(f"/c/acme/sync-status/runs/{run.id}").text
    assert "Held: nothing has been applied" in page
    assert "Approve and apply" in page
    assert "Nothing was applied" in press(synced, f"runs/{run.id}/reject")
    assert "was not waiting for a decision" in press(synced, f"runs/{run.id}/approve")
    press(synced, "sync-now")
    again = synced.work()
    assert again.state == "held"
    press(synced, f"runs/{again.id}/approve")
    done = synced.work()
    assert (done.id, done.missing) == (again.id, 143)
    assert done.state == "completed"
    synced.intercom.control("PUT", "admins", {"admins": everybody})
    press(synced, "sync-now")
    assert synced.work().returned == 143


def test_the_panel_is_polled_while_a_run_goes_on_and_reloads_the_page_at_its_end(synced: Desk) -> None:
    press(synced, "sync-now")
    going = synced.admin.get(f"{TAB}/panel")
    assert "X-Poll" not in going.headers
    assert "Waiting for a worker" in going.text
    synced.work()
    ended = synced.admin.get(f"{TAB}/panel")
    assert (ended.headers["X-Poll"], ended.headers["X-Poll-Reload"]) == ("stop", "1")


def test_a_queue_that_is_away_loses_no_run(connected: Desk) -> None:
    connected.app.extensions["redis"] = Redis(host="127.0.0.1", port=9, socket_connect_timeout=1)
    assert "as soon as the queue is reachable again" in press(connected, "enable")
    assert [run.state for run in runs(connected)] == ["queued"]


def test_a_broken_connection_pauses_the_schedule_and_says_so(synced: Desk) -> None:
    synced.fault(path="/admins", kind="revoke")
    press(synced, "sync-now")
    assert synced.work().error_kind == "access_denied"
    page = synced.admin.get(TAB).text
    assert "None until you reconnect" in page
    assert "every 6 hours" not in page
    assert "Schedule" not in page
    assert "Reconnect first." in page


def test_an_approved_run_was_not_interrupted(synced: Desk) -> None:
    everybody = synced.intercom.control("GET", "admins")["admins"]  # type: ignore[index]
    synced.intercom.control("PUT", "admins", {"admins": everybody[:60]})
    press(synced, "sync-now")
    run = synced.work()
    page = press(synced, f"runs/{run.id}/approve")
    assert "Waiting for a worker" in page
    synced.work()
    page = synced.admin.get(f"/c/acme/sync-status/runs/{run.id}").text
    assert "Resumed after" not in page
    assert "interruption" not in page


def test_what_the_last_run_warns_of_is_said_once_on_the_panel(connected: Desk) -> None:
    everybody = connected.intercom.control("GET", "admins")["admins"]  # type: ignore[index]
    connected.intercom.control(
        "PUT", "admins", {"admins": [*everybody[:9], everybody[9] | {"name": "N" * 300}]}
    )
    press(connected, "enable")
    run = connected.work()
    assert run.state == "completed_with_warnings"
    assert run.message
    assert connected.admin.get(f"{TAB}/panel").text.count(run.message) == 1
