"""Connecting Intercom: who may finish a round, what can go wrong on the way, and what is kept of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from tests.actors import make_actor, make_contract, sign_in
from tests.platforms.conftest import PAGE, Desk
from webapp.core.credentials import unseal
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, ConnectAttempt, Integration, Person, SyncRun, User, db, utcnow
from webapp.platforms.intercom.connector import REGIONS

TOKEN = "/auth/eagle/token"


def is_connected(desk: Desk) -> bool:
    integration = desk.integration()
    return integration is not None and integration.connection == "connected"


def test_connecting_tells_which_workspace_and_who(desk: Desk) -> None:
    desk.connect()
    page = desk.admin.get(PAGE).text
    for text in ("Kestrel Outdoor", "Rosalind Achebe", "United States"):
        assert text in page
    integration = desk.integration()
    assert integration is not None
    assert (integration.site, integration.connection) == ("us", "connected")


def test_the_region_decides_where_people_consent(desk: Desk) -> None:
    assert {urlsplit(region.authorize_url).hostname for region in REGIONS.values()} == {
        "app.intercom.com",
        "app.eu.intercom.com",
        "app.au.intercom.com",
    }
    answer = desk.admin.post(f"{PAGE}/connect", {"site": "mars"})
    assert answer.status_code == 422


@pytest.mark.parametrize("change", ["missing", "made up", "another browser’s, used"])
def test_attack_12_a_state_that_is_not_ours_is_refused_before_any_token_is_asked_for(
    desk: Desk, change: str
) -> None:
    back = desk.consent(desk.begin())
    if change == "missing":
        back = back.split("&state=")[0]
    elif change == "made up":
        back = back.split("&state=")[0] + "&state=" + "A" * 43
    else:
        desk.come_back(back)
    asked = desk.asked(TOKEN)
    replays = change.endswith("used")
    browser = sign_in(desk.app, desk.admin.account_id, desk.admin.email) if replays else desk.admin
    answer = browser.get(back)
    assert answer.status_code == 400
    assert "not valid any more" in answer.text
    assert desk.asked(TOKEN) == asked
    assert is_connected(desk) == replays


def test_B16_allow_pressed_three_times_ends_on_the_page_that_says_connected_already(desk: Desk) -> None:
    """R14 too: the way back, then Allow again. Each press brings a code of its own, and one state."""
    address = desk.begin()
    first, second, third = (desk.consent(address) for _ in range(3))
    assert "Intercom is connected to Kestrel Outdoor" in desk.come_back(first)
    asked, connected = desk.asked(TOKEN), desk.integration()
    for back in (second, third, first, first + "&error=access_denied"):
        answer = desk.admin.get(back)
        assert (answer.status_code, answer.location) == (302, PAGE)
        page = desk.admin.get(PAGE).text
        assert "Intercom is connected already, so nothing more was changed." in page
    assert desk.asked(TOKEN) == asked
    assert connected is not None
    assert desk.integration().connected_at == connected.connected_at  # type: ignore[union-attr]
    stranger = make_actor(desk.app, desk.contract_id, "administrator")
    assert stranger.get(second).status_code == 400
    demoted = sa.update(User).where(User.account_id == desk.admin.account_id).values(status="inactive")
    with desk.app.app_context(), write_transaction() as session:
        session.execute(demoted)
    assert desk.admin.get(second).status_code == 404


def test_B16_a_press_while_the_first_is_at_work_waits_for_it_a_little(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = desk.begin()
    first, second = desk.consent(address), desk.consent(address)
    with desk.app.app_context(), write_transaction() as session:
        session.execute(sa.update(ConnectAttempt).values(used_at=utcnow()))
    looks: list[float] = []

    def press_first(seconds: float) -> None:
        """While the second waits, the first one ends; or never does."""
        looks.append(seconds)
        if len(looks) == 2:
            with write_transaction() as session:
                session.execute(sa.update(ConnectAttempt).values(used_at=None))
            desk.app.test_client()
            desk.come_back(first)

    monkeypatch.setattr("webapp.integrations.connection.repeated.time.sleep", press_first)
    assert "Intercom is connected already" in desk.come_back(second)
    assert len(looks) == 2
    with desk.app.app_context(), write_transaction() as session:
        session.execute(sa.update(ConnectAttempt).values(details={"site": "us"}))
    monkeypatch.setattr("webapp.integrations.connection.repeated.PATIENCE", 0.0)
    assert "Intercom is being connected by your first press." in desk.come_back(second)


def test_B16_a_used_confirmation_that_connected_nothing_says_to_connect_again(desk: Desk) -> None:
    denied = desk.consent(desk.begin(), "deny")
    desk.come_back(denied)
    assert "Intercom is not connected by it. Nothing was changed." in desk.come_back(denied)
    back = desk.consent(desk.begin())
    desk.come_back(back)
    desk.admin.post(f"{PAGE}/disconnect")
    assert "Intercom is not connected by it. Nothing was changed." in desk.come_back(back)
    assert not is_connected(desk)


def test_a_round_ends_after_ten_minutes(desk: Desk) -> None:
    back = desk.consent(desk.begin())
    with desk.app.app_context(), write_transaction() as session:
        session.execute(sa.update(ConnectAttempt).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert desk.admin.get(back).status_code == 400
    assert not is_connected(desk)


def test_attack_13_a_round_belongs_to_the_browser_that_began_it(desk: Desk) -> None:
    back = desk.consent(desk.begin())
    colleague = make_actor(desk.app, desk.contract_id, "administrator")
    other_browser = sign_in(desk.app, desk.admin.account_id, desk.admin.email)
    for actor in (colleague, other_browser):
        assert actor.get(back).status_code == 400
    assert desk.asked(TOKEN) == 0
    assert not is_connected(desk)
    assert "is connected" in desk.come_back(back)


def test_whoever_may_no_longer_connect_cannot_finish(desk: Desk) -> None:
    back = desk.consent(desk.begin())
    with desk.app.app_context(), write_transaction() as session:
        session.execute(sa.update(User).values(status="inactive"))
    assert desk.admin.get(back).status_code == 404
    assert desk.asked(TOKEN) == 0


def test_a_round_ends_in_the_contract_in_which_it_began(desk: Desk) -> None:
    make_actor(desk.app, make_contract(desk.app, "other"), "administrator", email=desk.admin.email)
    back = desk.consent(desk.begin())
    desk.admin.get("/c/other/integrations/platforms")
    desk.come_back(back)
    integration = desk.integration()
    assert integration is not None
    assert integration.contract_id == desk.contract_id


def test_denying_and_coming_back_without_a_code_change_nothing(desk: Desk) -> None:
    assert "access was denied there" in desk.come_back(desk.consent(desk.begin(), "deny"))
    state = parse_qs(urlsplit(desk.begin()).query)["state"][0]
    assert "without a confirmation" in desk.come_back(f"/integrations/intercom/callback?state={state}")
    assert not is_connected(desk)


def test_attack_14_what_a_provider_says_of_an_error_is_never_markup(desk: Desk) -> None:
    state = parse_qs(urlsplit(desk.begin()).query)["state"][0]
    page = desk.come_back(
        f"/integrations/intercom/callback?state={state}&error=<svg onload=1>&error_description=<svg onload=1>"
    )
    assert "<svg onload" not in page
    assert "without a confirmation" in page


def test_a_code_that_is_too_old_says_to_try_again(desk: Desk) -> None:
    back = desk.consent(desk.begin())
    desk.intercom.control("POST", "clock", {"advance": 301})
    assert "did not accept the confirmation" in desk.come_back(back)
    assert not is_connected(desk)
    assert "is connected" in desk.come_back(desk.consent(desk.begin()))


@pytest.mark.parametrize("path", [TOKEN, "/me"])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "html"},
        {"kind": "empty"},
        {"kind": "wrong-json"},
        {"kind": "drop-connection"},
        {"kind": "truncate"},
        {"kind": "redirect", "location": "http://127.0.0.1:9/elsewhere"},
    ],
    ids=lambda fault: str(fault["kind"]),
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_intercom_being_in_trouble_leads_back_with_a_message(
    desk: Desk, path: str, fault: dict[str, object]
) -> None:
    desk.app.extensions["settings"] = replace(desk.app.extensions["settings"], http_retry_ceiling=0.5)
    back = desk.consent(desk.begin())
    desk.fault(path=path, **fault)
    page = desk.come_back(back)
    assert "Nothing was changed" in page
    assert "Connect" in page
    assert not is_connected(desk)


def test_the_token_is_nowhere_to_be_read(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    back = desk.consent(desk.begin())
    code = parse_qs(urlsplit(back).query)["code"][0]
    desk.come_back(back)
    with desk.app.app_context():
        token = unseal(db.session.scalars(sa.select(Integration)).one())["access_token"]
        rows = [
            repr(db.session.execute(sa.text(f"SELECT * FROM {table.name}")).all())
            for table in db.metadata.sorted_tables
        ]
    pages = [desk.admin.get(path).text for path in (PAGE, f"{PAGE}/user-sync", "/c/acme/audit")]
    cookie = desk.admin.client.get_cookie("rollcall-8000")
    assert cookie is not None
    for secret in (token, code, "rollcall-sandbox-secret"):
        assert not any(secret in text for text in [*rows, *pages, caplog.text, cookie.value])


def test_another_workspace_is_never_swapped_in_silently(desk: Desk) -> None:
    desk.connect()
    desk.intercom.control("PATCH", "workspace", {"id_code": "other1", "name": "Harbour Travel"})
    try:
        page = desk.come_back(desk.consent(desk.begin()))
        assert "You connected another workspace" in page
        integration = desk.integration()
        assert integration is not None
        assert integration.remote_account_name == "Kestrel Outdoor"
        with desk.app.app_context():
            attempt = db.session.scalars(sa.select(ConnectAttempt).order_by(ConnectAttempt.id.desc())).first()
            assert attempt is not None
            number = attempt.id
        kept = desk.admin.post(f"{PAGE}/other-account/{number}/keep", follow_redirects=True)
        assert "stays with Kestrel Outdoor" in kept.text
        again = desk.admin.post(f"{PAGE}/other-account/{number}", follow_redirects=True)
        assert "This was decided already" in again.text
        page = desk.come_back(desk.consent(desk.begin()))
        with desk.app.app_context():
            number = max(db.session.scalars(sa.select(ConnectAttempt.id)))
        used = desk.admin.post(f"{PAGE}/other-account/{number}", follow_redirects=True)
        assert "Harbour Travel" in used.text
        for end in ("", "/keep"):
            again = desk.admin.post(f"{PAGE}/other-account/{number}{end}", follow_redirects=True)
            assert (again.status_code, "with Harbour Travel" in again.text) == (200, True)
    finally:
        desk.intercom.control("PATCH", "workspace", {"id_code": "kx41demo", "name": "Kestrel Outdoor"})


def test_reconnecting_keeps_people_and_links_and_goes_on(desk: Desk) -> None:
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    assert desk.work().imported == 203
    desk.fault(path="/admins", kind="revoke")
    desk.admin.post(f"{PAGE}/user-sync/sync-now")
    run = desk.work()
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert "Reconnect" in desk.admin.get(PAGE).text
    page = desk.come_back(desk.consent(desk.begin()))
    assert "a run has started" in page
    run = desk.work()
    assert (run.state, run.imported, run.unchanged) == ("completed", 0, 203)
    with desk.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 203


@pytest.mark.parametrize("down", [False, True])
def test_disconnecting_asks_and_then_deletes_the_token_whatever_intercom_says(desk: Desk, down: bool) -> None:
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    desk.work()
    assert "What stays" in desk.admin.get(f"{PAGE}/disconnect").text
    if down:
        desk.fault(path="/auth/uninstall", kind="status", status=503)
    page = desk.admin.post(f"{PAGE}/disconnect", follow_redirects=True).text
    assert ("could not be told" in page) == down
    assert ("our access there is revoked" in page) != down
    with desk.app.app_context():
        integration = db.session.scalars(sa.select(Integration)).one()
        assert (integration.connection, integration.credentials) == ("not_connected", None)
        assert integration.user_sync.next_run_at is None
        assert db.session.scalar(sa.select(sa.func.count()).where(User.status == "pending")) == 203
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SyncRun)) == 1
        actions = set(db.session.scalars(sa.select(AuditEvent.action)))
    assert {"integration.connected", "integration.disconnected", "user_sync.enabled"} <= actions


def test_only_reading_calls_go_to_the_api_apart_from_oauth(desk: Desk) -> None:
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    desk.work()
    desk.admin.post(f"{PAGE}/disconnect")
    requests = desk.intercom.control("GET", "requests")["requests"]  # type: ignore[index]
    written = {(one["method"], one["path"]) for one in requests if one["method"] != "GET"}
    assert written == {("POST", "/oauth"), ("POST", TOKEN), ("POST", "/auth/uninstall")}
