"""Deactivate after so many days missing: off by default, careful, and never a surprise."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.leavers.house import NAMES, House, listed
from webapp.core.models import AuditEvent, Integration, Person, User, UserSync, db, utcnow
from webapp.core.permissions import MANAGE_USERS
from webapp.jobs import functions
from webapp.people.leavers import rule as use


# ------------------------------------------------------------------ who goes
def test_without_a_rule_nobody_is_ever_deactivated(house: House) -> None:
    house.lose("Ada", "Ben", days=300)
    house.read(300)
    functions.tick()
    assert house.inactive() == set()


def test_who_is_gone_for_long_enough_is_deactivated_and_written_down(house: House, manager: Actor) -> None:
    house.lose("Ada", days=31)
    house.lose("Ben", days=29)
    house.read(40)
    house.rule(30)
    functions.tick()
    assert house.inactive() == {"Ada"}
    (event,) = house.audit("users.deactivated_by_rule")
    assert (event.actor, event.actor_id, event.target) == ("Rollcall", None, "Ada")
    assert event.details["rule"] == "Deactivate after 30 days missing"
    assert event.details["users"] == ["Ada"]
    assert house.user("Ada").left_since is not None


def test_the_clock_alone_decides_when(house: House) -> None:
    house.lose("Ada", days=10)
    house.read(10)
    house.rule(11)
    settings = house.office.app.extensions["settings"]
    assert use.carry_out(house.office.contract_id, settings, utcnow()) == 0
    house.read(-1, until=-1)  # a run of tomorrow
    tomorrow = utcnow() + timedelta(days=1, hours=2)
    assert use.carry_out(house.office.contract_id, settings, tomorrow) == 0  # most of that day was not read
    house.read(0, until=-1)
    later = tomorrow + timedelta(hours=2)
    assert use.carry_out(house.office.contract_id, settings, later) == 1
    assert house.inactive() == {"Ada"}


@pytest.mark.parametrize("trouble", ["never read", "long ago", "a gap", "disabled", "broken"])
def test_nobody_ages_out_while_the_platform_is_not_read(house: House, trouble: str) -> None:
    house.lose("Ada", days=31)
    house.office.configure(last_success_at=None)
    house.change(sa.delete(Person.metadata.tables["sync_changes"]))
    house.change(sa.delete(Person.metadata.tables["sync_requests"]))
    house.change(sa.delete(Person.metadata.tables["sync_runs"]))
    if trouble == "long ago":
        house.read(40, until=1)
    elif trouble == "a gap":
        house.read(40, until=20)
        house.read(10)
    elif trouble != "never read":
        house.read(40)
    if trouble == "disabled":
        house.office.configure(enabled=False)
    if trouble == "broken":
        house.change(sa.update(Integration).values(connection="broken"))
    house.rule(30)
    functions.tick()
    assert house.inactive() == set()


def test_days_that_were_not_read_are_made_up_for(house: House) -> None:
    house.lose("Ada", days=45)
    house.read(45, until=20)
    house.read(8)
    house.rule(30)
    functions.tick()
    assert house.inactive() == {"Ada"}


def test_held_and_failed_runs_do_not_count_as_read(house: House) -> None:
    house.lose("Ada", days=31)
    house.read(40)
    house.change(sa.update(db.metadata.tables["sync_runs"]).values(state="held"))
    house.rule(30)
    functions.tick()
    assert house.inactive() == set()


def test_administrators_and_who_is_elsewhere_and_who_was_kept_stay(house: House) -> None:
    house.lose("Ada", "Ben", "Cleo", "Dan", days=60)
    house.read(70)
    house.give_role("Ada", "administrator")
    house.elsewhere("Ben")
    house.change(
        sa.update(User).where(User.name == "Cleo").values(status_since=utcnow() - timedelta(days=50))
    )
    house.rule(30)
    functions.tick()
    assert house.inactive() == {"Dan"}


def test_who_is_missing_from_a_platform_that_is_not_read_stays(house: House) -> None:
    house.lose("Ada", days=60)
    house.read(70)
    house.elsewhere("Ada", missing_days=60)
    house.rule(30)
    functions.tick()
    assert house.inactive() == set()


def test_pending_people_stay_pending(house: House) -> None:
    house.lose("Ada", days=60)
    house.read(70)
    house.change(sa.update(User).where(User.name == "Ada").values(status="pending"))
    house.rule(30)
    functions.tick()
    assert house.user("Ada").status == "pending"


def test_without_the_feature_the_rule_rests(house: House) -> None:
    house.lose("Ada", days=60)
    house.read(70)
    house.rule(30)
    house.change(sa.delete(db.metadata.tables["contract_features"]))
    functions.tick()
    assert house.inactive() == set()


# ------------------------------------------------------------------ not too many at once
def test_more_than_the_safeguard_allows_are_held_and_told_once(
    house: House, admin: Actor, manager: Actor
) -> None:
    house.lose(*NAMES[:6], days=60)
    house.read(70)
    house.rule(30)
    for _ in range(3):
        house.next_turn()
    assert house.inactive() == set()
    assert house.stored().held_people == 6
    (mail,) = house.mails()
    assert mail.recipient == "admin@example.com"
    assert "6 people are due to be deactivated at once" in mail.subject
    assert f"{house.url}?gone=due" in (mail.text or "")
    page = manager.get(house.url).text
    assert "6 people are due at once, so the rule is held" in page
    due = manager.get(f"{house.url}?gone=due").text
    assert all(name in due for name in NAMES[:6])
    assert "6 licences to free" in due


def test_a_manager_deactivates_those_who_were_held(house: House, manager: Actor) -> None:
    house.lose(*NAMES[:6], days=60)
    house.read(70)
    house.rule(30)
    functions.tick()
    users = house.url.removesuffix("/leavers")
    fields = {"list": "gone=due&status=active", "scope": "all"}
    asked = manager.post(f"{users}/deactivate", fields)
    assert "6 licences are free" in asked.text
    stamp = asked.text.split('name="stamp" value="')[1].split('"')[0]
    manager.post(f"{users}/deactivate/confirm", fields | {"stamp": stamp, "confirm": "y"})
    assert house.inactive() == set(NAMES[:6])
    house.next_turn()
    assert house.stored().held_at is None


def test_who_is_left_as_they_are_stays_so(house: House, manager: Actor) -> None:
    house.lose(*NAMES[:6], days=60)
    house.read(70)
    house.rule(30)
    functions.tick()
    answer = manager.post(f"{house.url}/spare", follow_redirects=True)
    assert "6 people stay active" in answer.text
    house.next_turn()
    assert (house.inactive(), house.stored().held_at) == (set(), None)
    (event,) = house.audit("leaver_rule.spared")
    assert event.details["users"] == sorted(NAMES[:6])
    house.lose("Jan", days=40)
    house.next_turn()
    assert house.inactive() == {"Jan"}


def test_nobody_is_spared_when_nobody_is_due_any_more(house: House, manager: Actor) -> None:
    house.lose(*NAMES[:6], days=60)
    house.read(70)
    house.rule(30)
    functions.tick()
    users = house.url.removesuffix("/leavers")
    fields = {"list": "gone=due&status=active", "scope": "all"}
    stamp = manager.post(f"{users}/deactivate", fields).text.split('name="stamp" value="')[1].split('"')[0]
    manager.post(f"{users}/deactivate/confirm", fields | {"stamp": stamp, "confirm": "y"})
    answer = manager.post(f"{house.url}/spare", follow_redirects=True)
    assert "Nobody is held any more." in answer.text
    assert house.audit("leaver_rule.spared") == []


def test_many_small_passes_are_not_a_large_one(house: House) -> None:
    house.lose(*NAMES[:4], days=60)
    house.read(70)
    house.rule(30)
    functions.tick()
    assert len(house.inactive()) == 4
    house.lose(*NAMES[4:8], days=60)
    functions.tick()
    assert len(house.inactive()) == 4
    settings = house.office.app.extensions["settings"]
    assert use.carry_out(house.office.contract_id, settings, utcnow() + timedelta(hours=23)) == 0


def test_two_ticks_at_once_deactivate_once(house: House) -> None:
    house.lose("Ada", days=60)
    house.read(70)
    house.rule(30)
    functions.tick()
    functions.tick()
    assert len(house.audit("users.deactivated_by_rule")) == 1


def test_nothing_is_changed_when_the_audit_row_cannot_be_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    house.lose("Ada", days=60)
    house.read(70)
    house.rule(30)
    monkeypatch.setattr("webapp.core.audit.log.record", fails)
    with pytest.raises(ZeroDivisionError):
        functions.tick()
    assert house.inactive() == set()


# ------------------------------------------------------------------ coming back
def test_who_comes_back_is_not_activated_but_shown(house: House, manager: Actor) -> None:
    house.lose("Ada", days=60)
    house.read(70)
    house.rule(30)
    functions.tick()
    assert "Nobody has come back" in manager.get(f"{house.url}?gone=back").text
    house.office.sync(*listed(*NAMES))
    assert house.user("Ada").status == "inactive"
    page = manager.get(f"{house.url}?gone=back").text
    assert "Ada" in page
    assert "Reactivate selected" in page


# ------------------------------------------------------------------ the form
def test_the_preview_names_who_would_go_and_saves_nothing(house: House, admin: Actor) -> None:
    house.lose("Ada", "Ben", "Cleo", days=20)
    house.read(40)
    page = admin.post(f"{house.url}/rule", {"when": "after", "days": "14", "preview": "1"}).text
    assert "3 people" in page
    assert "Ada, Ben, Cleo." in page
    assert use.rule_of(house.office.contract_id) is None
    assert "nobody" in admin.get(f"{house.url}/rule").text  # of the usual 30 days


def test_saving_changing_and_ending_the_rule_is_written_down(house: House, admin: Actor) -> None:
    for fields, before, after in (
        ({"when": "after", "days": "14"}, "Never", "14 days"),
        ({"when": "after", "days": "1"}, "14 days", "1 day"),
        ({"when": "never", "days": "1"}, "1 day", "Never"),
    ):
        assert admin.post(f"{house.url}/rule", fields).status_code == 302
        event = house.audit("leaver_rule.changed")[-1]
        assert isinstance(event, AuditEvent)
        assert event.details == {"deactivate after": {"before": before, "after": after}}
    assert use.rule_of(house.office.contract_id) is None


@pytest.mark.parametrize("days", ["0", "366", "-1", "", "two", "1.5", "99999999999999999999"])
def test_other_days_are_refused(house: House, admin: Actor, days: str) -> None:
    answer = admin.post(f"{house.url}/rule", {"when": "after", "days": days})
    assert answer.status_code == 422
    assert "Enter a whole number of days from 1 to 365." in answer.text
    assert use.rule_of(house.office.contract_id) is None


@pytest.mark.parametrize("role", ["manager", "system_access"])
def test_the_rule_needs_both_permissions(app: Flask, house: House, role: str) -> None:
    actor = make_actor(app, house.office.contract_id, role)
    assert actor.get(f"{house.url}/rule").status_code == 403
    assert actor.post(f"{house.url}/rule", {"when": "after", "days": "5"}).status_code == 403
    assert use.rule_of(house.office.contract_id) is None


def test_who_manages_integrations_alone_may_not_set_it(app: Flask, house: House, admin: Actor) -> None:
    house.change(
        sa.delete(db.metadata.tables["role_permissions"]).where(
            db.metadata.tables["role_permissions"].c.permission == MANAGE_USERS
        )
    )
    answer = admin.get(f"{house.url}/rule")
    assert answer.status_code == 403
    assert "Manage Users" in answer.text


def test_the_limits_are_those_of_the_platform(house: House) -> None:
    house.lose(*NAMES[:6], days=60)
    house.read(70)
    house.change(sa.update(UserSync).values(shrink_percent=80))
    house.rule(30)
    functions.tick()
    assert house.inactive() == set(NAMES[:6])
