"""Tokens that end: exchanged ahead of time, by one process at a time, and stored before they are used."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa

from tests.zendesk.conftest import Desk
from webapp.connectors.base import AccessDenied, Unavailable
from webapp.credentials import seal, unseal
from webapp.database import write_transaction
from webapp.models import Integration, db
from webapp.oauth import tokens
from webapp.oauth.tokens import token_of


@pytest.fixture
def connected(desk: Desk) -> Desk:
    desk.connect()
    return desk


def stored(desk: Desk) -> dict[str, object]:
    with desk.app.app_context():
        return unseal(db.session.scalars(sa.select(Integration)).one())


def end_soon(desk: Desk) -> None:
    """The stored token is about to end."""
    with desk.app.app_context(), write_transaction() as session:
        integration = session.scalars(sa.select(Integration)).one()
        integration.credentials = seal(
            integration, unseal(integration) | {"expires_at": int(time.time()) + 60}
        )


def exchanges(desk: Desk) -> int:
    asked = desk.zendesk.control("GET", "requests")["requests"]  # type: ignore[index]
    return sum(one["path"] == "/kestrel/oauth/tokens" for one in asked)


def test_a_token_far_from_its_end_is_used_as_it_is(connected: Desk) -> None:
    connected.zendesk.control("DELETE", "requests")
    with connected.app.app_context():
        token = token_of(db.session.scalars(sa.select(Integration)).one())
        assert token.current() == stored(connected)["access_token"]
    assert exchanges(connected) == 0


def test_a_token_near_its_end_is_exchanged_and_the_new_pair_is_stored(connected: Desk) -> None:
    end_soon(connected)
    before = stored(connected)
    run = connected.enable()
    assert run.state == "completed", run.message
    after = stored(connected)
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert connected.sync().state == "completed"


def test_a_token_refused_before_its_time_is_exchanged_once(connected: Desk) -> None:
    with connected.app.app_context(), write_transaction() as session:
        integration = session.scalars(sa.select(Integration)).one()
        integration.credentials = seal(integration, unseal(integration) | {"access_token": "gone-by-now"})
    assert connected.enable().state == "completed"


def test_eight_at_once_exchange_once(connected: Desk) -> None:
    end_soon(connected)
    connected.zendesk.control("DELETE", "requests")
    found: list[str] = []
    failed: list[BaseException] = []

    def use() -> None:
        try:
            with connected.app.app_context():
                found.append(token_of(db.session.scalars(sa.select(Integration)).one()).current())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert len(found) == 8
    assert len(set(found)) == 1
    assert exchanges(connected) == 1


def test_a_dead_refresh_token_asks_for_a_new_consent_at_once(connected: Desk) -> None:
    end_soon(connected)
    connected.fault(path="/anything", kind="revoke")
    connected.zendesk.control("DELETE", "requests")
    run = connected.enable()
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert connected.integration().connection == "broken"
    assert exchanges(connected) == 1
    with connected.app.app_context():
        integration = db.session.scalars(sa.select(Integration)).one()
        assert integration.refreshing_until is None
        with pytest.raises(AccessDenied):
            token_of(integration).current()


def test_zendesk_being_down_loses_nothing(connected: Desk) -> None:
    end_soon(connected)
    before = stored(connected)
    connected.fault(path="/oauth/tokens", kind="status", status=503)
    with connected.app.app_context(), pytest.raises(Unavailable):
        token_of(db.session.scalars(sa.select(Integration)).one()).current()
    assert stored(connected) == before
    connected.zendesk.control("DELETE", "faults")
    assert connected.enable().state == "completed"


def test_a_process_that_died_during_an_exchange_holds_nobody_up_for_long(
    connected: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_soon(connected)
    with connected.app.app_context(), write_transaction() as session:
        integration = session.scalars(sa.select(Integration)).one()
        integration.refreshing_until = tokens.utcnow() + tokens.LEASE
    later = tokens.utcnow() + tokens.LEASE * 2
    monkeypatch.setattr(tokens, "utcnow", lambda: later)
    with connected.app.app_context():
        assert token_of(db.session.scalars(sa.select(Integration)).one()).current()
