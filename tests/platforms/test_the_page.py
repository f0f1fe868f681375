"""The Platforms page: one row a platform, with its state in a word and the one thing to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from config import OAuthClient
from tests.actors import Actor, make_actor, make_contract
from tests.sync.people import person
from tests.sync_status.conftest import Watched, said, texts, watched
from webapp.core.database import write_transaction
from webapp.core.models import Integration, SyncRun, utcnow
from webapp.platforms.base import AccessDenied, Unavailable

__all__ = ["watched"]

ADA = person("1", "Ada", "ada@example.com")


def page_of(watched: Watched) -> str:
    answer = watched.admin.get(f"/c/{watched.slug}/integrations/platforms")
    assert answer.status_code == 200
    return answer.text


def row(html: str, label: str = "Intercom") -> str:
    """The line of that platform."""
    (line,) = [line for line in texts(html, "Platforms of") if f" {label} " in line]
    return line


def settings_with(app: Flask, **changes: object) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], **changes)


def set_connection(watched: Watched, **values: object) -> None:
    with watched.inside() as office, write_transaction() as session:
        session.execute(
            sa.update(Integration).where(Integration.id == office.integration_id).values(**values)
        )


@pytest.fixture
def newcomer(app: Flask) -> Actor:
    """The administrator of a contract that has connected nothing, called fresh."""
    return make_actor(app, make_contract(app, "fresh"), "administrator")


def test_a_platform_never_connected_offers_to_connect(newcomer: Actor) -> None:
    page = newcomer.get("/c/fresh/integrations/platforms").text
    line = row(page)
    assert "Not connected Connect it to bring its people in." in line
    assert "Off" in line
    assert line.endswith("Connect Intercom")
    assert "Sync now" not in line
    assert "No runs yet" in said(page)


def test_zendesk_has_a_row_that_leads_to_what_can_be_done_there(newcomer: Actor) -> None:
    line = row(newcomer.get("/c/fresh/integrations/platforms").text, "Zendesk")
    assert "Not connected" in line
    page = newcomer.get("/c/fresh/integrations/platforms/zendesk").text
    assert "ZENDESK_CLIENT_ID" in page
    assert "/integrations/platforms/zendesk/connect" not in page


def test_an_active_platform_says_when_it_ran_what_it_imported_and_when_it_runs_next(watched: Watched) -> None:
    watched.sync(ADA, person("2", "Bob", "bob@example.com"))
    line = row(page_of(watched))
    for text in (
        "Workspace One",
        "Active 2 teammates: 2 imported.",
        "just now Took",
        "2 people",
        "On",
        "in 6 h",
    ):
        assert text in line
    assert "Sync now" in line
    assert "Settings for Intercom" in line


def test_times_are_relative_within_seven_hours_and_absolute_after(watched: Watched) -> None:
    watched.sync(ADA)
    for ago, relative in ((timedelta(hours=6, minutes=59), True), (timedelta(hours=7, minutes=1), False)):
        moment = utcnow() - ago
        with watched.inside() as office, write_transaction() as session:
            session.execute(sa.update(SyncRun).values(started_at=moment, finished_at=moment))
        with watched.inside() as office:
            office.configure(last_imported_at=moment)
        assert row(page_of(watched)).count("6 h ago") == (2 if relative else 0)


def test_a_run_that_goes_on_is_shown_with_how_far_it_is(watched: Watched) -> None:
    watched.sync(ADA)
    with watched.inside() as office:
        run = office.request()
    line = row(page_of(watched))
    assert "Active Syncing now." in line
    assert "Queued" in line
    assert "Sync now" not in line
    with watched.inside(), write_transaction() as session:
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.id == run.id)
            .values(state="running", stage="apply", done=30, total=1200, started_at=utcnow())
        )
    line = row(page_of(watched))
    assert "Syncing now: 30 of 1,200 people dealt with." in line
    assert "Running" in line


def test_a_warning_names_what_was_left_open_and_leads_to_the_run(watched: Watched) -> None:
    run = watched.sync(ADA, person("2", "No Address"))
    page = page_of(watched)
    assert "Warning 2 teammates: 1 imported, 1 left out. 1 person has nothing that can be a username." in row(
        page
    )
    assert "Intercom: the last run left something open" in said(page)
    assert f'href="/c/{watched.slug}/sync-status/runs/{run.id}"' in page


def test_a_held_run_is_what_to_look_at_next(watched: Watched) -> None:
    watched.sync(*(person(str(n), f"P {n}", f"p{n}@example.com") for n in range(20)))
    watched.sync(ADA)
    page = page_of(watched)
    line = row(page)
    assert "Warning The list is much shorter than last time" in line
    assert "Held" in line
    assert "Review held run" in line
    assert "Intercom: a run is held" in said(page)


def test_a_failed_run_is_an_error_that_leads_to_the_run(watched: Watched) -> None:
    watched.sync(ADA)
    watched.office.platform.error = Unavailable("Intercom did not answer in time.")
    watched.sync()
    page = page_of(watched)
    assert "Error Intercom did not answer in time. Nobody was changed." in row(page)
    assert "Intercom: the last run failed" in said(page)
    assert "1 person" in row(page)  # the data that was imported before is still what was imported last


def test_a_refused_token_is_an_error_with_reconnect_and_no_next_run(watched: Watched) -> None:
    watched.sync(ADA)
    watched.office.platform.account_error = AccessDenied("Intercom refused our token.")
    watched.sync()
    page = page_of(watched)
    line = row(page)
    assert "Error Intercom refused our token." in line
    assert line.endswith("Reconnect Intercom")
    assert "in 6 h" not in line
    assert "Sync now" not in line
    assert "Intercom is not connected any more" in said(page)


def test_a_platform_with_user_sync_off_says_so(watched: Watched) -> None:
    watched.sync(ADA)
    with watched.inside() as office:
        office.configure(enabled=False, next_run_at=None)
    line = row(page_of(watched))
    assert "Off User sync is off." in line
    assert "Paused" not in line
    assert "Off" in line
    assert "Sync now" not in line


def test_a_platform_connected_and_never_enabled_is_said_to_be_so_everywhere(watched: Watched) -> None:
    with watched.inside() as office:
        office.configure(enabled=False, enabled_at=None, next_run_at=None)
    line = row(page_of(watched))
    assert "Not enabled Connected. User sync is not enabled yet." in line
    assert line.endswith("Set up User sync Intercom")
    for path in (
        "integrations/platforms/intercom",
        "integrations/platforms/intercom/user-sync",
        "sync-status",
    ):
        page = said(watched.admin.get(f"/c/{watched.slug}/{path}").text)
        assert "Not enabled" in page
        assert "Paused" not in page


def test_a_disconnected_platform_keeps_its_last_run_and_offers_to_connect(watched: Watched) -> None:
    watched.sync(ADA)
    set_connection(watched, connection="not_connected", credentials=None)
    line = row(page_of(watched))
    assert "Not connected" in line
    assert "1 person" in line
    assert line.endswith("Connect Intercom")


def test_a_sync_behind_its_promise_is_a_warning(watched: Watched) -> None:
    watched.sync(ADA)
    with watched.inside() as office:
        office.configure(
            last_success_at=utcnow() - timedelta(hours=13), enabled_at=utcnow() - timedelta(days=2)
        )
    line = row(page_of(watched))
    assert "Warning The next sync is overdue." in line
    assert "Overdue" in line


def test_the_sandbox_is_named_only_while_it_is_used(newcomer: Actor, app: Flask) -> None:
    paths = [f"/c/fresh/integrations/platforms{tail}" for tail in ("", "/intercom", "/intercom/user-sync")]
    assert all("sandbox" in newcomer.get(path).text for path in paths)
    settings_with(app, intercom=OAuthClient("a-real-id", "a-real-secret"))
    for path in paths:
        page = newcomer.get(path).text
        assert "sandbox" not in page
        assert "a-real-secret" not in page


def test_without_a_client_the_page_says_what_to_set_and_offers_no_button(newcomer: Actor, app: Flask) -> None:
    settings_with(app, intercom=OAuthClient())
    page = newcomer.get("/c/fresh/integrations/platforms/intercom").text
    assert "INTERCOM_CLIENT_ID" in page
    assert "INTERCOM_CLIENT_SECRET" in page
    assert "intercom/connect" not in page
    assert (
        newcomer.post("/c/fresh/integrations/platforms/intercom/connect", {"site": "us"}).status_code == 404
    )


def test_nothing_of_another_contract_is_shown(watched: Watched, newcomer: Actor) -> None:
    watched.sync(ADA)
    page = newcomer.get("/c/fresh/integrations/platforms").text
    assert "Workspace One" not in page
    assert "sync-status/runs" not in page
    assert newcomer.get(f"/c/{watched.slug}/integrations/platforms").status_code == 404


@pytest.mark.parametrize("name", ["freshdesk", "INTERCOM", "intercom%20", "x" * 5000])
def test_a_platform_there_is_none_of_is_not_found(newcomer: Actor, name: str) -> None:
    for tail in ("", "/disconnect", "/user-sync", "/user-sync/panel", "/user-sync/disable"):
        assert newcomer.get(f"/c/fresh/integrations/platforms/{name}{tail}").status_code == 404
