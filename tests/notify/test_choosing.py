"""Everyone chooses their own mails, among those about what they can act on."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor, make_contract
from webapp.core.models import AuditEvent, NotificationChoice, db

PAGE = "/c/acme/notifications"


@pytest.fixture
def contract_id(app: Flask) -> int:
    return make_contract(app, "acme")


def boxes(actor: Actor) -> dict[str, bool]:
    """Each kind that is offered, and whether it is ticked."""
    found = re.findall(r'<input[^>]*type="checkbox"[^>]*>', actor.get(PAGE).text)
    return {re.search(r'value="(\w+)"', box).group(1): " checked" in box for box in found}  # type: ignore[union-attr]


def test_an_administrator_starts_with_what_needs_them_at_once(app: Flask, contract_id: int) -> None:
    assert boxes(make_actor(app, contract_id, "administrator")) == {
        "broken": True,
        "held": True,
        "overdue": True,
        "quarantine": False,
        "first_import": False,
        "leavers": True,
        "waiting": False,
    }


def test_who_manages_users_is_offered_what_concerns_them(app: Flask, contract_id: int) -> None:
    assert boxes(make_actor(app, contract_id, "manager")) == {
        "first_import": False,
        "leavers": False,
        "waiting": False,
    }


def test_without_the_feature_nothing_about_integrations_is_offered(app: Flask) -> None:
    administrator = make_actor(app, make_contract(app, "acme", features=False), "administrator")
    assert set(boxes(administrator)) == {"first_import", "waiting"}


def test_a_choice_is_kept_for_oneself_alone_and_written_down(app: Flask, contract_id: int) -> None:
    ines, omar = (make_actor(app, contract_id, "administrator") for _ in range(2))
    answer = ines.post(PAGE, {"kinds": ["held", "waiting"]}, follow_redirects=True)
    assert "Your choice is saved." in answer.text
    assert {kind for kind, ticked in boxes(ines).items() if ticked} == {"held", "waiting"}
    assert {kind for kind, ticked in boxes(omar).items() if ticked} == {
        "broken",
        "held",
        "leavers",
        "overdue",
    }
    with app.app_context():
        event = db.session.scalars(
            sa.select(AuditEvent).where(AuditEvent.action == "notifications.changed")
        ).one()
        assert event.details == {
            "mails": {
                "before": ["A connection broke", "A run is held", "A sync is overdue", "Leavers are held"],
                "after": ["A run is held", "People are waiting"],
            }
        }


def test_choosing_what_is_chosen_changes_nothing(app: Flask, contract_id: int) -> None:
    ines = make_actor(app, contract_id, "administrator")
    assert (
        "Nothing was changed."
        in ines.post(PAGE, {"kinds": ["broken", "held", "overdue", "leavers"]}, follow_redirects=True).text
    )
    with app.app_context():
        assert db.session.scalars(sa.select(NotificationChoice)).all() == []


@pytest.mark.parametrize("kind", ["broken", "nonsense", "' OR 1=1"])
def test_nobody_can_choose_what_is_not_offered_to_them(app: Flask, contract_id: int, kind: str) -> None:
    manager = make_actor(app, contract_id, "manager")
    assert manager.post(PAGE, {"kinds": [kind]}).status_code == 422
    with app.app_context():
        assert db.session.scalars(sa.select(NotificationChoice)).all() == []


def test_the_page_says_when_no_mail_can_leave(app: Flask, contract_id: int) -> None:
    ines = make_actor(app, contract_id, "administrator")
    page = ines.get(PAGE).text
    assert "No mail server is set up on this server" in page
    assert f"They go to {ines.email}." in page
