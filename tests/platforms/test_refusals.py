"""Rounds that may not end in a connection, and what is left behind when one does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from tests.actors import make_actor, make_contract
from tests.platforms.conftest import PAGE, Desk
from webapp.core import contracts
from webapp.core.credentials import CredentialsUnreadable, unseal
from webapp.core.database import write_transaction
from webapp.core.models import (
    AuditEvent,
    ConnectAttempt,
    Contract,
    Decision,
    Exclusion,
    Integration,
    Person,
    RolePermission,
    SyncRun,
    User,
    db,
    utcnow,
)
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS
from webapp.integrations.connection.account_switch import DECIDED

TOKEN = "/auth/eagle/token"


def other_account(desk: Desk) -> int:
    """Consent for another workspace than the one connected; the round that waits for a decision."""
    desk.intercom.control("PATCH", "workspace", {"id_code": "other1", "name": "Harbour Travel"})
    assert "You connected another workspace" in desk.come_back(desk.consent(desk.begin()))
    with desk.app.app_context():
        return max(db.session.scalars(sa.select(ConnectAttempt.id)))


@pytest.fixture
def another(desk: Desk) -> Iterator[int]:
    """Kestrel Outdoor is connected and imported; a round for Harbour Travel waits for a decision."""
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    assert desk.work().imported == 203
    yield other_account(desk)
    desk.intercom.control("PATCH", "workspace", {"id_code": "kx41demo", "name": "Kestrel Outdoor"})


def nothing_is_kept(desk: Desk) -> bool:
    with desk.app.app_context():
        integrations = db.session.scalars(sa.select(Integration)).all()
        sealed = [one for one in db.session.scalars(sa.select(ConnectAttempt.details)) if "sealed" in one]
    return not sealed and all(one.credentials is None for one in integrations)


# ------------------------------------------------------------------ who may finish
@pytest.mark.parametrize("taken", ["permission", "feature"])
def test_whoever_lost_what_it_takes_meanwhile_is_told_what_is_missing(desk: Desk, taken: str) -> None:
    back = desk.consent(desk.begin())
    with desk.app.app_context(), write_transaction() as session:
        if taken == "permission":
            session.execute(sa.delete(RolePermission).where(RolePermission.permission == MANAGE_INTEGRATIONS))
        else:
            contract = session.get_one(Contract, desk.contract_id)
            contracts.set_feature(session, contract, INTEGRATIONS, on=False)
    answer = desk.admin.get(back)
    assert answer.status_code == 403
    assert ("Manage Integrations" if taken == "permission" else "Integrations") in answer.text
    assert desk.asked(TOKEN) == 0
    assert nothing_is_kept(desk)


def test_whoever_signed_out_meanwhile_signs_in_and_begins_anew(desk: Desk) -> None:
    back = desk.consent(desk.begin())
    desk.admin.post("/sign-out")
    answer = desk.admin.get(back)
    assert answer.status_code == 302
    assert urlsplit(answer.location).path == "/sign-in"
    assert desk.asked(TOKEN) == 0


def test_attack_13_an_attackers_own_link_adds_no_connection_to_whoever_opens_it(desk: Desk) -> None:
    attacker_home = make_contract(desk.app, "attacker")
    attacker = make_actor(desk.app, attacker_home, "administrator")
    begun = attacker.post("/c/attacker/integrations/platforms/intercom/connect", {"site": "us"}).location
    link = desk.consent(begun)
    assert desk.admin.get(link).status_code == 400
    assert desk.asked(TOKEN) == 0
    assert nothing_is_kept(desk)


def test_attack_12_the_state_of_one_platform_is_none_at_another(desk: Desk) -> None:
    state = parse_qs(urlsplit(desk.begin()).query)["state"][0]
    answer = desk.admin.get(f"/integrations/zendesk/callback?code=abc&state={state}")
    assert answer.status_code == 400
    assert desk.asked(TOKEN) == 0
    assert desk.admin.get("/integrations/elsewhere/callback?code=abc").status_code == 404


def test_the_redirect_address_is_ours_whatever_host_the_browser_names(desk: Desk) -> None:
    answer = desk.admin.post(f"{PAGE}/connect", {"site": "us"}, headers={"X-Forwarded-Host": "evil.example"})
    (redirect_uri,) = parse_qs(urlsplit(answer.location).query)["redirect_uri"]
    assert redirect_uri == "http://127.0.0.1/integrations/intercom/callback"


# ------------------------------------------------------------------ what Intercom may answer
def test_a_code_that_was_used_already_is_not_accepted_again(desk: Desk) -> None:
    first = desk.consent(desk.begin())
    code = parse_qs(urlsplit(first).query)["code"][0]
    desk.come_back(first)
    desk.admin.post(f"{PAGE}/disconnect")
    state = parse_qs(urlsplit(desk.begin()).query)["state"][0]
    page = desk.come_back(f"/integrations/intercom/callback?code={code}&state={state}")
    assert "had expired or was used already" in page
    assert nothing_is_kept(desk)


def test_a_wrong_client_secret_says_which_settings_to_check(desk: Desk) -> None:
    back = desk.consent(desk.begin())
    for client in desk.app.extensions["oauth_rounds"]["intercom"]._clients.values():
        client.client_secret = "not-the-secret"
    page = desk.come_back(back)
    assert "INTERCOM_CLIENT_SECRET" in page
    assert "not-the-secret" not in page
    assert nothing_is_kept(desk)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_intercom_not_answering_leads_back_with_a_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.platforms.intercom.oauth.TIMEOUT", (5, 0.3))
    settings = desk.app.extensions["settings"]
    desk.app.extensions["settings"] = replace(settings, http_read_timeout=0.3, http_retry_ceiling=0.5)
    for path, message in ((TOKEN, "could not be reached"), ("/me", "did not answer in time")):
        back = desk.consent(desk.begin())
        desk.fault(path=path, kind="hang")
        assert message in desk.come_back(back)
        assert nothing_is_kept(desk)
        desk.intercom.control("DELETE", "faults")


@pytest.mark.parametrize(
    ("status", "message"), [(401, "refused our token"), (403, "Read admins"), (429, "slow down")]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_attack_18_being_refused_at_the_first_question_says_why(
    desk: Desk, status: int, message: str
) -> None:
    back = desk.consent(desk.begin())
    desk.fault(path="/me", kind="status", status=status, retry_after=1)
    page = desk.come_back(back)
    assert message in page
    assert desk.asked("/me") == (4 if status == 429 else 2)
    assert nothing_is_kept(desk)


@pytest.mark.parametrize("path", [TOKEN, "/me", "/admins"])
def test_attack_16_a_redirect_is_not_followed_and_no_token_travels(desk: Desk, path: str) -> None:
    elsewhere = f"{desk.intercom.url}/elsewhere"
    back = desk.consent(desk.begin())
    if path == "/admins":
        desk.come_back(back)
        desk.admin.post(f"{PAGE}/user-sync/enable")
    desk.fault(path=path, kind="redirect", location=elsewhere)
    if path == "/admins":
        run = desk.work()
        assert (run.state, run.error_kind) == ("failed", "bad_response")
        assert "another address" in (run.message or "")
    else:
        desk.come_back(back)
        assert nothing_is_kept(desk)
    assert desk.asked("/elsewhere") == 0


def test_a_refused_round_leaves_no_secret_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    back = desk.consent(desk.begin())
    query = parse_qs(urlsplit(back).query)
    desk.intercom.control("POST", "clock", {"advance": 301})
    caplog.set_level(logging.DEBUG)
    desk.come_back(back)
    assert "refused the code" in caplog.text
    for secret in (query["code"][0], query["state"][0], "rollcall-sandbox-secret"):
        assert secret not in caplog.text


# ------------------------------------------------------------------ another workspace
def test_only_the_browser_that_opened_another_workspace_decides_about_it(desk: Desk, another: int) -> None:
    colleague = make_actor(desk.app, desk.contract_id, "administrator")
    for number in (another, another + 1, 10**30):
        for tail in ("", "/keep"):
            assert colleague.post(f"{PAGE}/other-account/{number}{tail}").status_code == 404
        assert colleague.get(f"{PAGE}/other-account/{number}").status_code == 404
    zendesk = PAGE.replace("intercom", "zendesk")
    assert desk.admin.get(f"{zendesk}/other-account/{another}").status_code == 404
    assert desk.admin.get(f"{PAGE}/other-account/{another}").status_code == 200


def test_the_decision_about_another_workspace_waits_ten_minutes(desk: Desk, another: int) -> None:
    with desk.app.app_context(), write_transaction() as session:
        session.execute(sa.update(ConnectAttempt).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert desk.admin.post(f"{PAGE}/other-account/{another}").status_code == 404
    integration = desk.integration()
    assert integration is not None
    assert integration.remote_account_name == "Kestrel Outdoor"


def test_keeping_forgets_the_other_token_and_what_is_connected_still_works(desk: Desk, another: int) -> None:
    desk.admin.post(f"{PAGE}/other-account/{another}/keep")
    with desk.app.app_context():
        assert db.session.get_one(ConnectAttempt, another).details == {DECIDED: "kept"}
    desk.intercom.control("PATCH", "workspace", {"id_code": "kx41demo", "name": "Kestrel Outdoor"})
    desk.admin.post(f"{PAGE}/user-sync/sync-now")
    assert desk.work().state == "completed"


def test_using_another_workspace_recognises_who_is_here_and_takes_nobody_away(
    desk: Desk, another: int
) -> None:
    question = desk.admin.get(f"{PAGE}/other-account/{another}").text
    assert "Kestrel Outdoor" in question
    assert "Harbour Travel" in question
    assert "no longer linked" in question
    page = desk.admin.post(f"{PAGE}/other-account/{another}", follow_redirects=True).text
    assert "connected again to Harbour Travel" in page
    run = desk.work()
    assert (run.state, run.imported, run.linked, run.missing) == ("completed", 0, 203, 0)
    with desk.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).where(User.status == "pending")) == 203
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 203
        event = db.session.scalars(
            sa.select(AuditEvent).where(AuditEvent.action == "integration.reconnected")
        ).one()
        assert (event.details or {})["account"] == "Harbour Travel"


def test_what_was_decided_about_people_of_the_old_workspace_is_forgotten_with_them(
    desk: Desk, another: int
) -> None:
    with desk.app.app_context(), write_transaction() as session:
        integration = session.scalars(sa.select(Integration)).one()
        here = {"contract_id": desk.contract_id, "integration_id": integration.id}
        session.add(Exclusion(kind="person", value="1", label="Somebody", created_by="Ada", **here))
        session.add(Exclusion(kind="email", value="*@partner.example", created_by="Ada", **here))
        session.add(
            Decision(remote_id="2", person_name="Somebody", reason="several_users", decided_by="Ada", **here)
        )
        held = SyncRun(trigger="schedule", state="held", **here)
        session.add(held)
        session.flush()
        held_id = held.id
    desk.admin.post(f"{PAGE}/other-account/{another}")
    with desk.app.app_context():
        assert db.session.scalars(sa.select(Exclusion.value)).all() == ["*@partner.example"]
        assert db.session.scalars(sa.select(Decision.forgotten_at)).one() is not None
        given_up = db.session.get_one(SyncRun, held_id)
        assert given_up.state == "cancelled"
        assert "Harbour Travel was connected instead" in (given_up.message or "")


def test_a_run_that_meets_another_workspace_changes_nobody(desk: Desk) -> None:
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    desk.intercom.control("PATCH", "workspace", {"id_code": "other1", "name": "Harbour Travel"})
    try:
        run = desk.work()
    finally:
        desk.intercom.control("PATCH", "workspace", {"id_code": "kx41demo", "name": "Kestrel Outdoor"})
    assert (run.state, run.error_kind, run.imported) == ("failed", "wrong_account", 0)
    assert "Harbour Travel" in (run.message or "")
    assert "Reconnect" in desk.admin.get(PAGE).text


# ------------------------------------------------------------------ disconnecting
def test_asking_about_disconnecting_changes_nothing(desk: Desk) -> None:
    assert "is not connected" in desk.admin.get(f"{PAGE}/disconnect", follow_redirects=True).text
    desk.connect()
    page = desk.admin.get(f"{PAGE}/disconnect").text
    assert "Keep it connected" in page
    assert desk.admin.client.post(f"{PAGE}/disconnect").status_code == 400
    integration = desk.integration()
    assert integration is not None
    assert integration.connection == "connected"
    assert desk.asked("/auth/uninstall") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_silent_intercom_does_not_keep_the_token_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.platforms.intercom.oauth.TIMEOUT", (5, 0.3))
    desk.connect()
    desk.fault(path="/auth/uninstall", kind="hang")
    page = desk.admin.post(f"{PAGE}/disconnect", follow_redirects=True).text
    assert "could not be told" in page
    assert nothing_is_kept(desk)


def test_a_token_that_cannot_be_read_any_more_is_deleted_all_the_same(desk: Desk) -> None:
    desk.connect()
    with desk.app.app_context(), write_transaction() as session:
        session.execute(sa.update(Integration).values(credentials="not what we sealed"))
    page = desk.admin.post(f"{PAGE}/disconnect", follow_redirects=True).text
    assert "could not be told" in page
    assert nothing_is_kept(desk)


def test_disconnecting_while_a_run_waits_ends_it_without_a_call(desk: Desk) -> None:
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    desk.admin.post(f"{PAGE}/disconnect")
    desk.intercom.control("DELETE", "requests")
    run = desk.work()
    assert run.state == "cancelled"
    assert desk.asked("/me") + desk.asked("/admins") == 0


def test_after_disconnecting_user_sync_waits_for_enable_and_goes_on_from_what_is_known(desk: Desk) -> None:
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    desk.work()
    desk.admin.post(f"{PAGE}/disconnect")
    assert "Connect Intercom first." in desk.admin.get(f"{PAGE}/user-sync").text
    desk.connect_again()
    with desk.app.app_context():
        assert not db.session.scalars(sa.select(SyncRun).where(SyncRun.state == "queued")).all()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    run = desk.work()
    assert (run.state, run.imported, run.unchanged) == ("completed", 0, 203)


# ------------------------------------------------------------------ tokens at rest
def test_k01_a_token_copied_into_another_row_is_not_used(desk: Desk) -> None:
    desk.connect()
    make_actor(desk.app, make_contract(desk.app, "thief"), "administrator", email="thief@example.com")
    with desk.app.app_context(), write_transaction() as session:
        mine = session.scalars(sa.select(Integration)).one()
        thief = session.scalars(sa.select(Contract).where(Contract.slug == "thief")).one()
        copied = Integration(
            contract_id=thief.id, platform="intercom", connection="connected", credentials=mine.credentials
        )
        session.add(copied)
        session.flush()
        with pytest.raises(CredentialsUnreadable):
            unseal(copied)
        assert unseal(mine)["access_token"]
