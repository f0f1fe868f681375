"""What the User sync tab refuses, and what it says instead."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.actors import make_actor
from tests.pages import Page
from tests.platforms.conftest import PAGE, Desk
from tests.user_sync.test_the_tab import TAB, connected, press, runs, sync_settings, synced
from webapp.core.database import write_transaction
from webapp.core.models import (
    AuditEvent,
    Person,
    SyncChange,
    SyncRequest,
    SyncRun,
    User,
    UserSync,
    db,
    utcnow,
)

__all__ = ["connected", "synced"]


def limits_typed(percent: str, people: str) -> dict[str, str]:
    """The safeguard's form with these limits of losing people."""
    return {
        "shrink_percent": percent,
        "shrink_people": people,
        "growth_percent": "50",
        "growth_people": "50",
    }


@pytest.fixture
def held(synced: Desk) -> SyncRun:
    """A run that found 60 of 203 people and waits for a decision."""
    everybody = synced.intercom.control("GET", "admins")["admins"]  # type: ignore[index]
    synced.intercom.control("PUT", "admins", {"admins": everybody[:60]})
    press(synced, "sync-now")
    run = synced.work()
    assert run.state == "held"
    return run


def state_of(desk: Desk, run: SyncRun) -> str:
    return {one.id: one.state for one in runs(desk)}[run.id]


def submit(desk: Desk, path: str, label: str, **typed: str) -> str:
    """Press the button of that label on the page at ``path`` as a browser without scripts does; the page after."""
    page = Page(desk.admin.get(path).text)
    (button,) = [one for one in page.all("button") if " ".join(one.text.split()) == label]
    form = next(one for one in reversed(button.parents) if one.tag == "form")
    fields = {
        str(one.attributes["name"]): one.attributes.get("value") or ""
        for one in form.below
        if one.tag == "input" and one.has("name") and one.attributes.get("type") not in ("radio", "checkbox")
    }
    fields |= {
        str(one.attributes["name"]): one.attributes.get("value") or ""
        for one in form.below
        if one.attributes.get("type") in ("radio", "checkbox") and "checked" in one.attributes
    }
    if button.has("name"):
        fields[str(button.attributes["name"])] = button.attributes.get("value") or ""
    assert (form.attributes.get("method") or "").lower() == "post"
    action = html.unescape(button.attributes.get("formaction") or form.attributes.get("action") or path)
    answer = desk.admin.client.post(action, data=fields | typed, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_everything_is_done_by_forms_that_need_no_script(connected: Desk) -> None:
    assert "The first import has started" in submit(connected, TAB, "Enable")
    assert "stops at its next batch" in submit(connected, TAB, "Stop this run")
    assert "A run has started" in submit(connected, TAB, "Sync now")
    connected.work()
    assert "the column “email”" in submit(connected, TAB, "Use email")
    assert "username, third-party ID and email" in submit(connected, TAB, "Save identifier", column="")
    assert "more than 20%" in submit(connected, TAB, "Save safeguard")
    assert "User sync is disabled" in submit(connected, f"{TAB}/disable", "Disable")
    assert sync_settings(connected).enabled is False
    page = submit(connected, f"{PAGE}/disconnect", "Disconnect Intercom")
    assert "our access there is revoked" in page


def test_only_a_column_that_tells_people_apart_has_a_button(synced: Desk) -> None:
    page = Page(synced.admin.get(TAB).text)
    offered = {
        one.attributes.get("value") for one in page.all("button") if one.attributes.get("name") == "use"
    }
    suggested = {one.attributes.get("value") for one in page.all("option")}
    assert {"id", "email"} <= offered
    assert offered == suggested
    assert "job_title" not in offered
    lines = {one.text.split()[0]: one.text for one in page.all("tr")}
    assert "Not unique" in lines["job_title"]
    assert "repeated" in lines["job_title"]


def test_what_is_typed_is_shown_as_text(synced: Desk) -> None:
    page = press(synced, "identifier", column="<script>alert(1)</script>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert synced.admin.post(f"{TAB}/identifier", {"column": "a\0b"}).status_code in (400, 422)


@pytest.mark.parametrize(
    ("percent", "people"),
    [("", "5"), ("abc", "5"), ("0", "5"), ("101", "5"), ("20", "0"), ("20", "9" * 40), ("9" * 400, "5")],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_safeguard_that_makes_no_sense_is_kept_on_the_page_and_not_saved(
    connected: Desk, percent: str, people: str
) -> None:
    answer = connected.admin.post(f"{TAB}/safeguard", limits_typed(percent, people))
    assert answer.status_code == 422
    assert "Enter a whole number from 1 to" in answer.text
    for typed in filter(None, (percent, people)):
        assert f'value="{typed}"' in answer.text
    stored = sync_settings(connected)
    assert (stored.shrink_percent, stored.shrink_people) == (20, 5)


def test_the_safeguard_that_was_saved_is_the_one_that_judges(synced: Desk) -> None:
    press(synced, "safeguard", **limits_typed("90", "5"))
    everybody = synced.intercom.control("GET", "admins")["admins"]  # type: ignore[index]
    synced.intercom.control("PUT", "admins", {"admins": everybody[:60]})
    press(synced, "sync-now")
    run = synced.work()
    assert (run.state, run.missing) == ("completed", 143)


@pytest.mark.parametrize("gone", ["disconnected", "refused"])
def test_without_a_connection_nothing_starts_and_the_page_says_what_to_do(synced: Desk, gone: str) -> None:
    if gone == "disconnected":
        synced.admin.post(f"{PAGE}/disconnect")
        advice = "Connect Intercom first."
    else:
        synced.fault(path="/admins", kind="revoke")
        press(synced, "sync-now")
        assert synced.work().state == "failed"
        advice = "Reconnect first."
    before = len(runs(synced))
    page = synced.admin.get(TAB).text
    assert advice in page
    for path in ("enable", "sync-now", "preview"):
        assert "is not connected" in press(synced, path)
    assert len(runs(synced)) == before


def test_reconnecting_resumes_the_schedule_and_shows_the_next_run(synced: Desk) -> None:
    synced.fault(path="/admins", kind="revoke")
    press(synced, "sync-now")
    synced.work()
    synced.connect_again()
    assert [run.trigger for run in runs(synced) if run.state == "queued"] == ["reconnect"]
    synced.work()
    page = synced.admin.get(TAB).text
    assert "None until you reconnect" not in page
    assert "in 6 h" in page


# ------------------------------------------------------------------ stopping
def test_a_run_that_waits_is_stopped_at_once_and_a_running_one_is_asked_to(synced: Desk) -> None:
    press(synced, "sync-now")
    waiting = runs(synced)[-1]
    assert "stops at its next batch" in press(synced, f"runs/{waiting.id}/cancel")
    assert state_of(synced, waiting) == "cancelled"
    press(synced, "sync-now")
    running = runs(synced)[-1]
    with synced.app.app_context(), write_transaction() as session:
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.id == running.id)
            .values(state="running", started_at=utcnow(), lease_expires_at=utcnow() + timedelta(minutes=1))
        )
    page = press(synced, f"runs/{running.id}/cancel")
    assert "stops at its next batch" in page
    assert "Stop this run" not in page
    asked = runs(synced)[-1]
    assert (asked.state, asked.cancel_requested_at is not None) == ("running", True)
    assert "had ended already" in press(synced, f"runs/{waiting.id}/cancel")


def test_a_run_there_is_none_of_cannot_be_stopped_or_decided(synced: Desk) -> None:
    for run_id in ("0", "-1", str(10**30), str(runs(synced)[-1].id + 1)):
        for act in ("cancel", "approve", "reject", "apply"):
            assert synced.admin.post(f"{TAB}/runs/{run_id}/{act}").status_code == 404


@pytest.mark.parametrize("name", ["growth_percent", "growth_people"])
@pytest.mark.parametrize("value", ["", "0", "1001", "1.5"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_limits_of_growth_that_make_no_sense_are_not_saved(connected: Desk, name: str, value: str) -> None:
    answer = connected.admin.post(f"{TAB}/safeguard", limits_typed("30", "7") | {name: value})
    fits = (name, value) == ("growth_people", "1001")
    assert answer.status_code == (302 if fits else 422)
    assert fits or "Enter a whole number from 1 to" in answer.text
    assert sync_settings(connected).shrink_people == (7 if fits else 5)


# ------------------------------------------------------------------ held runs
@pytest.mark.parametrize("role", ["manager", "system_access"])
def test_whoever_may_not_manage_integrations_reads_a_held_run_and_does_not_decide(
    synced: Desk, held: SyncRun, role: str
) -> None:
    reader = make_actor(synced.app, synced.contract_id, role)
    page = reader.get(f"/c/acme/sync-status/runs/{held.id}").text
    assert "Held: nothing has been applied" in page
    assert "Approve" not in page.split("<main")[1].replace("Approving", "")
    for act in ("approve", "reject"):
        assert reader.post(f"{TAB}/runs/{held.id}/{act}").status_code == 403
    assert state_of(synced, held) == "held"


@pytest.mark.parametrize(
    ("meanwhile", "advice"),
    [
        ("disabled", "User sync is off. Enable it first, then approve."),
        ("disconnected", "is not connected. Reconnect first, then approve."),
        ("another run", "Another run is going on."),
    ],
)
def test_approving_waits_until_it_can_be_carried_out(
    synced: Desk, held: SyncRun, meanwhile: str, advice: str
) -> None:
    if meanwhile == "disabled":
        press(synced, "disable")
    elif meanwhile == "disconnected":
        synced.admin.post(f"{PAGE}/disconnect")
    else:
        press(synced, "sync-now")
    assert advice in press(synced, f"runs/{held.id}/approve")
    assert state_of(synced, held) == "held"
    assert "is rejected. Nothing was applied." in press(synced, f"runs/{held.id}/reject")
    assert state_of(synced, held) == "cancelled"


def test_nothing_is_applied_while_a_run_is_held(synced: Desk, held: SyncRun) -> None:
    with synced.app.app_context():
        assert db.session.get_one(SyncRun, held.id).proposed
        assert db.session.scalar(sa.select(sa.func.count(Person.missing_since))) == 0
    page = synced.admin.get(f"{PAGE[: PAGE.rindex('/')]}").text
    assert "Review held run" in page
    assert f"/c/acme/sync-status/runs/{held.id}" in page


# ------------------------------------------------------------------ what Intercom may do to a run
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "html", "status": 502},
        {"kind": "empty"},
        {"kind": "truncate"},
        {"kind": "wrong-json"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429, "retry_after": 60},
        {"kind": "hang"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_attack_17_and_18_an_answer_that_is_no_list_fails_the_run_and_changes_nobody(
    synced: Desk, fault: dict[str, object]
) -> None:
    settings = synced.app.extensions["settings"]
    synced.app.extensions["settings"] = replace(settings, http_read_timeout=0.5, http_retry_ceiling=0.5)
    synced.fault(path="/admins", **fault)
    press(synced, "sync-now")
    run = synced.work()
    assert run.state == "failed"
    assert run.error_kind in ("unavailable", "bad_response")
    with synced.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).where(User.status == "pending")) == 203
        assert db.session.scalar(sa.select(sa.func.count()).where(SyncChange.run_id == run.id)) == 0
        methods = set(db.session.scalars(sa.select(SyncRequest.method)))
    assert methods == {"GET"}
    page = synced.admin.get(TAB).text
    assert "Nobody was changed." in page
    assert "Reconnect" not in page.split("<main")[1]
    assert sync_settings(synced).enabled


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (403, "api_plan_restricted")])
def test_attack_18_a_refusal_asks_to_reconnect_and_pauses_the_schedule(
    synced: Desk, status: int, code: str
) -> None:
    synced.fault(path="/admins", kind="status", status=status, code=code)
    press(synced, "sync-now")
    run = synced.work()
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert synced.asked("/admins") == 3  # the first import, and this one, which is asked once more
    page = synced.admin.get(TAB).text
    assert "must reconnect to resume" in page
    assert "None until you reconnect" in page


# ------------------------------------------------------------------ on the record
def test_every_change_by_a_person_is_in_the_audit_log(synced: Desk) -> None:
    press(synced, "identifier", column="email")
    press(synced, "safeguard", **limits_typed("30", "7"))
    press(synced, "sync-now")
    press(synced, f"runs/{runs(synced)[-1].id}/cancel")
    press(synced, "disable")
    with synced.app.app_context():
        events = list(
            db.session.scalars(
                sa.select(AuditEvent)
                .where(AuditEvent.action.startswith("user_sync."))
                .order_by(AuditEvent.id)
            )
        )
    assert [event.action.split(".")[1] for event in events] == [
        "enabled",
        "identifier_changed",
        "safeguard_changed",
        "requested",
        "cancelled",
        "disabled",
    ]
    assert {event.actor_id for event in events} == {synced.admin.account_id}
    assert (events[1].details or {})["column"] == {"before": None, "after": "email"}


def test_the_first_import_counts_as_late_only_after_its_hour(connected: Desk) -> None:
    press(connected, "enable")
    assert "Late" not in connected.admin.get("/c/acme/sync-status").text.split("<main")[1].split("Recent")[0]
    with connected.app.app_context(), write_transaction() as session:
        session.execute(sa.update(UserSync).values(enabled_at=utcnow() - timedelta(minutes=61)))
    assert "The first import is late." in connected.admin.get("/c/acme/sync-status").text
