"""Sync status of all contracts: who may look, what stands where, and what can be started."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from redis import Redis

from tests.actors import Actor, make_actor, make_contract
from tests.support.conftest import HOUR, Fleet
from tests.sync.office import open_office
from tests.sync_status.conftest import forms, said, texts
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, Integration, SyncRun, UserSync, db, utcnow
from webapp.queue import wake
from webapp.queue.jobs import SYNC

PAGE = "/support/sync-status"
TABLE = "Platforms of all contracts"
URGENT = ["Broken", "Overdue", "Held", "Failing", "Late"]


def names(actor: Actor, query: str = "") -> list[str]:
    """The contracts that are listed, in order."""
    answer = actor.get(f"{PAGE}{query}")
    assert answer.status_code == 200, answer.text
    if TABLE not in answer.text:
        return []
    return [line.partition(" I Intercom")[0].rsplit(" ", 1)[0] for line in texts(answer.text, TABLE)]


def line_of(fleet: Fleet, name: str, query: str = "?health=all") -> str:
    (line,) = [
        one for one in texts(fleet.looker.get(f"{PAGE}{query}").text, TABLE) if one.startswith(f"{name} ")
    ]
    return line


def test_it_opens_with_what_needs_attention_the_most_urgent_first(everything: Fleet) -> None:
    assert names(everything.looker) == URGENT


def test_everything_is_listed_by_urgency(everything: Fleet) -> None:
    listed = names(everything.looker, "?health=all")
    assert listed[:7] == [*URGENT, "First", "Well"]
    assert listed[7] == "Resting"
    assert sorted(listed[8:10]) == ["Disabled", "Switched off"]
    assert listed[10:] == ["Away"]


@pytest.mark.parametrize(
    ("health", "listed"),
    [
        ("broken", ["Broken"]),
        ("overdue", ["Overdue"]),
        ("held", ["Held"]),
        ("failing", ["Failing"]),
        ("late", ["Late"]),
        ("first", ["First"]),
        ("on_time", ["Well"]),
        ("paused", ["Resting"]),
        ("off", ["Switched off", "Disabled"]),
        ("not_connected", ["Away"]),
        ("nonsense", URGENT),
    ],
)
def test_it_can_be_narrowed_to_one_word(everything: Fleet, health: str, listed: list[str]) -> None:
    assert names(everything.looker, f"?health={health}") == listed


def test_each_word_is_counted_and_a_search_narrows_the_counts(everything: Fleet) -> None:
    text = said(everything.looker.get(PAGE).text)
    assert "Needs attention 5" in text
    assert "All 11" in text
    assert "Paused 1" in text
    assert "Off 2" in text
    searched = everything.looker.get(f"{PAGE}?q=OVER&health=all").text
    assert [line.split()[0] for line in texts(searched, TABLE)] == ["Overdue"]
    assert "All 1" in said(searched)
    assert names(everything.looker, "?q=switched-OFF&health=all") == ["Switched off"]  # the short name
    assert "No contract that fits “%” stands like that." in said(everything.looker.get(f"{PAGE}?q=%25").text)


def test_a_line_says_what_is_wrong_since_when_and_what_comes_next(everything: Fleet) -> None:
    failing = line_of(everything, "Failing")
    for text in ("Failing", "Intercom did not answer in time.", "1 h ago", "in 2 h", "just now"):
        assert text in failing
    assert "Overdue" in line_of(everything, "Overdue")
    assert "The list is much shorter than last time." in line_of(everything, "Held")
    off = line_of(everything, "Switched off")
    assert "Integrations is switched off for this contract." in off
    assert "in 2 h" not in off
    assert "Never" in line_of(everything, "First")


def test_a_paused_schedule_is_no_alarm_and_says_so_without_a_name(fleet: Fleet) -> None:
    fleet.add("Resting", last_success=30 * HOUR, paused=True)
    assert names(fleet.looker) == []
    line = line_of(fleet, "Resting")
    assert "Paused" in line
    assert "The schedule was paused. Sync now still works." in line
    assert "Overdue" not in line
    assert "in 2 h" not in line  # no run comes by itself
    assert "Unmistakable" not in fleet.looker.get("/c/resting/sync-status").text
    assert f"{PAGE}/{fleet.ids['Resting']}/sync-now" in fleet.starter.get(f"{PAGE}?health=all").text


def test_an_undo_that_failed_is_no_failure_of_the_sync(fleet: Fleet) -> None:
    fleet.add("Well")
    with fleet.app.app_context(), write_transaction() as session:
        whole = session.scalars(sa.select(SyncRun)).one()
        ids = {"contract_id": whole.contract_id, "integration_id": whole.integration_id}
        session.add(SyncRun(**ids, trigger="undo", state="failed", message="Cut off.", finished_at=utcnow()))
    assert names(fleet.looker) == []
    assert "Cut off." not in line_of(fleet, "Well")


def test_the_longest_without_a_success_comes_first_and_pages_follow_on(fleet: Fleet) -> None:
    for number in range(27):
        fleet.add(f"Late {number:02}", last_success=7 * HOUR + timedelta(minutes=number))
    everyone = [f"Late {number:02}" for number in reversed(range(27))]
    assert names(fleet.looker) == everyone[:25]
    assert names(fleet.looker, "?page=2") == everyone[25:]
    assert names(fleet.looker, "?per_page=50") == everyone
    panel = fleet.looker.get(f"{PAGE}/panel?page=2&q=late").text
    assert [line[:7] for line in texts(panel, TABLE)] == everyone[25:]
    assert f'href="{PAGE}?page=1&amp;q=late"' in panel  # links lead to the page, not to its part
    assert "/panel" not in panel
    assert "<html" not in panel


def test_a_page_is_a_constant_number_of_statements(fleet: Fleet) -> None:
    def statements() -> int:
        count = 0

        def one(*_: object) -> None:
            nonlocal count
            count += 1

        with fleet.app.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", one)
        try:
            assert fleet.looker.get(f"{PAGE}?health=all").status_code == 200
        finally:
            sa.event.remove(engine, "before_cursor_execute", one)
        return count

    fleet.add("One")
    few = statements()
    for number in range(12):
        fleet.add(f"More {number}", runs=(("failed", "Down."), ("completed", "Up.")), queued=number % 2 == 0)
    assert statements() == few


def test_the_processes_and_the_queue_are_shown_and_an_absent_queue_is_said(fleet: Fleet) -> None:
    run = fleet.add("Well", queued=True)
    with fleet.app.app_context():
        run = db.session.scalars(sa.select(SyncRun.id).where(SyncRun.state == "queued")).one()
        db.session.rollback()
        wake.wake_soon(run, 1)
    text = said(fleet.looker.get(PAGE).text)
    assert "The scheduler is not running" in text
    assert "Waiting in the queue 1 job In progress 0 jobs Failed jobs 0 jobs" in text
    fleet.app.extensions["redis"] = Redis(host="127.0.0.1", port=9, socket_connect_timeout=1)
    text = said(fleet.looker.get(PAGE).text)
    assert "The queue does not answer" in text
    assert "Failed jobs Not known" in text


def test_nothing_of_anybody_is_shown(fleet: Fleet) -> None:
    with fleet.app.app_context():
        office = open_office(fleet.app)
        office.user("Unmistakable Name", "unmistakable", "unmistakable@example.com")
        sealed = office.integration.credentials
        slug = db.session.scalars(sa.text("SELECT slug FROM contracts")).one()
        db.session.rollback()
    for path in (f"{PAGE}?health=all", f"/c/{slug}/sync-status"):
        text = fleet.looker.get(path).text
        assert "nmistakable" not in text
        assert sealed not in text


# ------------------------------------------------------------------ who may
def test_empty_places_say_what_they_mean(fleet: Fleet) -> None:
    assert "No platform is connected anywhere" in said(fleet.looker.get(PAGE).text)
    fleet.add("Well")
    assert "Nothing needs attention" in said(fleet.looker.get(PAGE).text)
    assert "None at the moment" in said(fleet.looker.get(f"{PAGE}?health=held").text)


def test_support_without_a_contract_lands_there_and_finds_it_in_the_navigation(fleet: Fleet) -> None:
    assert fleet.looker.get("/").location == PAGE
    page = fleet.looker.get(PAGE)
    assert f'<a href="{PAGE}" aria-current="page">' in page.text


def test_support_that_works_in_a_contract_goes_to_the_contract_and_has_the_link(fleet: Fleet) -> None:
    contract_id = make_contract(fleet.app, "home")
    actor = make_actor(fleet.app, contract_id, "agent", email="looker@example.com")
    assert actor.get("/").location == "/c/home/"
    assert f'href="{PAGE}"' in actor.get("/c/home/").text
    assert 'href="/c/home/"' in actor.get(PAGE).text  # and the way back
    fleet.add("Well")
    assert "Your contracts" not in actor.get("/c/well/sync-status").text  # the switch is there


def test_support_reads_any_contracts_status_and_opens_nothing_else_there(everything: Fleet) -> None:
    page = everything.looker.get("/c/held/sync-status")
    assert page.status_code == 200
    assert forms(page.text) == []
    assert "Platform support" in page.text
    assert f'href="{PAGE}"' in page.text
    assert "/runs/" not in page.text
    assert "Read only" in said(page.text)
    with everything.app.app_context():
        run = db.session.scalars(
            sa.select(SyncRun.id).where(SyncRun.integration_id == everything.ids["Held"])
        ).one()
        db.session.rollback()
    for path in (f"sync-status/runs/{run}", "users", "audit", "integrations/platforms", ""):
        assert everything.looker.get(f"/c/held/{path}").status_code == 404
    assert everything.looker.get("/c/switched-off/sync-status").status_code == 404
    assert everything.looker.get("/c/nobody/sync-status").status_code == 404


def test_names_of_who_started_runs_stay_in_the_contract(fleet: Fleet) -> None:
    fleet.add("Well")
    with fleet.app.app_context(), write_transaction() as session:
        session.execute(sa.update(SyncRun).values(requested_by="Unmistakable Name"))
    text = fleet.looker.get("/c/well/sync-status").text
    assert "Unmistakable" not in text
    assert "Someone there" in said(text)


def test_who_paused_a_schedule_and_why_stays_in_the_contract(fleet: Fleet) -> None:
    fleet.add("Well")
    with fleet.app.app_context(), write_transaction() as session:
        session.execute(
            sa.update(UserSync).values(
                paused_at=utcnow(), paused_by="Unmistakable Name", pause_reason="Somebody Secret is leaving"
            )
        )
    for page in ("/c/well/sync-status", "/c/well/sync-status/panel", f"{PAGE}?health=all"):
        text = fleet.looker.get(page).text
        assert "Unmistakable" not in text
        assert "Secret" not in text
    assert "The schedule was paused. Sync now still works." in fleet.looker.get("/c/well/sync-status").text


# ------------------------------------------------------------------ Sync now
def test_who_only_looks_finds_nothing_to_press(everything: Fleet) -> None:
    page = everything.looker.get(f"{PAGE}?health=all").text
    assert forms(page) == []
    assert "Read only" in said(page)
    assert everything.looker.post(f"{PAGE}/{everything.ids['Well']}/sync-now").status_code == 404


def test_sync_now_starts_a_run_and_the_contracts_audit_log_says_who_asked(everything: Fleet) -> None:
    late = everything.ids["Late"]
    answer = everything.starter.post(f"{PAGE}/{late}/sync-now", {"back": f"{PAGE}?health=late"})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?health=late")
    text = said(everything.starter.get(PAGE).text)
    assert "Intercom of Late: a run has started." in text
    with everything.app.app_context():
        run = db.session.scalars(
            sa.select(SyncRun).where(SyncRun.integration_id == late, SyncRun.state == "queued")
        ).one()
        contract_id = db.session.get_one(Integration, late).contract_id
        event = db.session.scalars(
            sa.select(AuditEvent).where(
                AuditEvent.contract_id == contract_id, AuditEvent.action == "user_sync.requested"
            )
        ).one()
        assert (run.trigger, run.requested_by) == ("manual", "Sol Support")
        assert (event.actor, event.details) == (
            "Sol Support",
            {"run": run.id, "joined": False, "as": "platform-wide support"},
        )
        assert wake.queue(SYNC["intercom"]).get_job_ids() == [f"run-{run.id}-1"]
        db.session.rollback()
    everything.starter.post(f"{PAGE}/{late}/sync-now")
    assert "a run was going on already." in said(everything.starter.get(PAGE).text)
    assert "Queued" in line_of(everything, "Late")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Broken", "Broken has to connect Intercom first."),
        ("Disabled", "User sync of Intercom is off at Disabled."),
        ("Switched off", "Integrations is switched off for Switched off."),
    ],
)
def test_what_cannot_be_synced_has_no_button_and_says_why_when_asked(
    everything: Fleet, name: str, reason: str
) -> None:
    page = everything.starter.get(f"{PAGE}?health=all").text
    target = f"{PAGE}/{everything.ids[name]}/sync-now"
    assert target not in page
    assert f"{PAGE}/{everything.ids['Well']}/sync-now" in page
    answer = everything.starter.post(target, {"back": "https://elsewhere.example/"})
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert reason in said(everything.starter.get(PAGE).text)
    with everything.app.app_context():
        assert db.session.scalars(sa.select(SyncRun).where(SyncRun.state == "queued")).all() == []
        db.session.rollback()


def test_a_connection_that_is_not_there_is_not_found(fleet: Fleet) -> None:
    assert fleet.starter.post(f"{PAGE}/99999/sync-now").status_code == 404
