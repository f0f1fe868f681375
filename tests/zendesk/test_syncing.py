"""User sync of Zendesk through the whole stack: pages, user types, roles, faults in the middle of the list."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.zendesk.conftest import PAGE, Desk
from webapp.core.models import Person, SyncChange, SyncRequest, User, db

USERS = "/api/v2/users.json"


def pending(desk: Desk) -> int:
    with desk.app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).where(User.status == "pending")) or 0


@pytest.fixture
def connected(desk: Desk) -> Desk:
    desk.connect()
    return desk


def test_everybody_is_read_to_the_last_page(connected: Desk) -> None:
    run = connected.enable()
    assert run.state == "completed", run.message
    assert run.found == 264
    assert run.left_out == 6  # two light agents, a contributor, two suspended, one shared
    assert run.imported == pending(connected) == 258
    assert run.reasons == {"user_type": 6}
    with connected.app.app_context():
        calls = db.session.scalars(sa.select(SyncRequest).order_by(SyncRequest.id)).all()
        assert {call.method for call in calls} == {"GET"}
        assert sum(call.path == USERS for call in calls) == 3
        names = set(db.session.scalars(sa.select(Person.attributes["team"].as_string())))
    assert {"Tier 2 specialist", "Returns desk", "Admin", "Agent"} <= names


def test_a_second_run_changes_nothing(connected: Desk) -> None:
    connected.enable()
    run = connected.sync()
    assert (run.state, run.imported, run.renamed, run.missing, run.unchanged) == ("completed", 0, 0, 0, 258)


def test_someone_downgraded_is_missing_and_a_new_name_arrives(connected: Desk) -> None:
    connected.enable()
    users = connected.zendesk.control("GET", "kestrel/users")["users"]  # type: ignore[index]
    leaver, renamed = users[100], users[101]
    connected.zendesk.control("PATCH", f"kestrel/users/{leaver['id']}", {"role": "end-user"})
    connected.zendesk.control("PATCH", f"kestrel/users/{renamed['id']}", {"name": "Nova Adeyemi-Brandt"})
    run = connected.sync()
    assert (run.missing, run.renamed) == (1, 1)
    with connected.app.app_context():
        change = db.session.scalars(
            sa.select(SyncChange).where(SyncChange.run_id == run.id, SyncChange.kind == "renamed")
        ).one()
        assert (change.before, change.after) == (renamed["name"], "Nova Adeyemi-Brandt")


def test_user_types_are_chosen_in_a_form_with_the_custom_roles_by_name(connected: Desk) -> None:
    connected.enable()
    page = connected.admin.get(f"{PAGE}/user-sync").text
    assert "Custom role “Returns desk”" in page
    answer = connected.admin.post(
        f"{PAGE}/user-sync/types",
        {"types": ["agent", "admin", "custom:16", "billing_admin", "light_agent"]},
        follow_redirects=True,
    )
    assert "Saved." in answer.text
    run = connected.sync()
    assert (run.state, run.imported) == ("completed", 2)  # the light agents
    assert run.left_out == 5  # a contributor, two suspended, one shared, one of the Returns desk
    assert run.missing == 0
    assert pending(connected) == 260


def test_a_type_that_does_not_exist_is_refused(connected: Desk) -> None:
    answer = connected.admin.post(f"{PAGE}/user-sync/types", {"types": ["agent", "nobody"]})
    assert answer.status_code == 422


def test_custom_roles_that_may_not_be_read_do_not_stop_the_sync(connected: Desk) -> None:
    connected.fault(path="/api/v2/custom_roles.json", kind="status", status=403)
    run = connected.enable()
    assert run.state == "completed", run.message
    assert run.imported == 258


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "truncate"},
        {"kind": "html"},
        {"kind": "empty"},
        {"kind": "wrong-json"},
        {"kind": "drop-connection"},
        {"kind": "redirect", "location": "http://127.0.0.1:9/elsewhere"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "retry_after": 3600},
        {"kind": "status", "status": 429, "retry_after": 3600},
        {"kind": "repeat-cursor"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}".strip(),
)
def test_a_list_that_breaks_off_on_its_second_page_writes_nothing(
    connected: Desk, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object]
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    connected.fault(path=USERS, skip=1, **fault)
    run = connected.enable()
    assert run.state == "failed"
    assert pending(connected) == 0
    assert "Nobody was changed" in (run.message or "")


def test_a_pause_that_is_asked_for_is_kept_and_the_list_goes_on_where_it_was(connected: Desk) -> None:
    connected.fault(path=USERS, kind="status", status=429, retry_after=1, times=1, skip=1)
    run = connected.enable()
    assert run.state == "completed"
    with connected.app.app_context():
        statuses = db.session.scalars(
            sa.select(SyncRequest.status).where(SyncRequest.path == USERS).order_by(SyncRequest.id)
        ).all()
    assert statuses == [200, 429, 200, 200]


def test_a_token_revoked_in_the_middle_breaks_the_connection_and_asks_to_reconnect(connected: Desk) -> None:
    connected.fault(path=USERS, kind="revoke", skip=1)
    run = connected.enable()
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert connected.integration().connection == "broken"
    assert pending(connected) == 0
    assert "Reconnect" in connected.admin.get("/c/acme/integrations/platforms").text


def test_the_two_accounts_do_not_mix(connected: Desk) -> None:
    connected.enable()
    requests = connected.zendesk.control("GET", "requests")["requests"]  # type: ignore[index]
    assert all(not one["path"].startswith("/harbour") for one in requests)
