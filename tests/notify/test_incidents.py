"""One mail when something begins and one when it is over, to those who can act and want to hear of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, deactivate, make_actor
from tests.sync.office import SOMEBODY, Office
from tests.sync.people import person
from webapp.core import contracts
from webapp.core.database import write_transaction
from webapp.core.models import (
    Account,
    Contract,
    ContractFeature,
    Incident,
    Integration,
    Message,
    SyncRun,
    User,
    db,
    utcnow,
)
from webapp.core.permissions import INTEGRATIONS
from webapp.integrations.connection import connect
from webapp.integrations.shared import pause
from webapp.integrations.user_sync import held_run_service, preview_service
from webapp.integrations.user_sync import settings as use
from webapp.jobs import functions
from webapp.platforms.base import AccessDenied, Unavailable
from webapp.sync.plan.what_if import WhatIf
from webapp.sync.schedule.incidents import open_incident

CROWD = [person(str(number), f"Person {number}", f"p{number}@example.com") for number in range(20)]
REVOKED = AccessDenied("Intercom does not accept our access any more.")


def mails() -> list[Message]:
    """What the outbox holds after a tick, in order."""
    functions.tick()
    db.session.rollback()
    return list(db.session.scalars(sa.select(Message).order_by(Message.id)))


def subjects() -> list[tuple[str, str]]:
    return [(message.recipient, message.subject.partition(": ")[2]) for message in mails()]


def open_kinds(office: Office) -> set[str]:
    db.session.rollback()
    return set(
        db.session.scalars(
            sa.select(Incident.kind).where(
                Incident.integration_id == office.integration_id, Incident.closed_at.is_(None)
            )
        )
    )


def break_connection(office: Office) -> SyncRun:
    office.platform.account_error = REVOKED
    return office.sync()


def connect_again(office: Office) -> None:
    """The OAuth round has come back well."""
    office.platform.account_error = None
    with write_transaction() as session:
        integration = session.get_one(Integration, office.integration_id, populate_existing=True)
        by = session.scalars(sa.select(Account).limit(1)).one()
        account = office.platform.account()
        connect.connect_with(session, integration, {"access_token": "another"}, account, "us", by)


def reconnect(office: Office) -> None:
    """The platform is connected again, and a run goes through."""
    connect_again(office)
    live = office.request()
    office.work(live)


# ------------------------------------------------------------------ a broken connection
def test_a_broken_connection_is_told_once_and_its_repair_once(office: Office, ines: Actor) -> None:
    office.sync(*CROWD)
    mails()
    run = break_connection(office)
    assert office.integration.connection == "broken"
    assert subjects() == [("ines@example.com", "Intercom is not connected any more")]
    assert subjects() == [("ines@example.com", "Intercom is not connected any more")]
    (letter,) = mails()
    assert run.message in (letter.text or "")
    assert "The schedule is paused; nothing is lost." in (letter.text or "")
    contract = db.session.get_one(Contract, office.contract_id)
    assert f"http://127.0.0.1/c/{contract.slug}/integrations/platforms/intercom\n" in (letter.text or "")
    reconnect(office)
    assert [subject for _, subject in subjects()] == [
        "Intercom is not connected any more",
        "Intercom is connected again",
    ]
    assert open_kinds(office) == set()


def test_a_connection_that_breaks_twice_is_two_incidents(office: Office, ines: Actor) -> None:
    for _ in range(2):
        break_connection(office)
        mails()
        reconnect(office)
        mails()
    assert [subject for _, subject in subjects() if "connected" in subject] == [
        "Intercom is not connected any more",
        "Intercom is connected again",
    ] * 2


def test_what_is_repaired_before_anybody_was_told_is_not_told(office: Office, ines: Actor) -> None:
    break_connection(office)
    reconnect(office)
    assert [subject for _, subject in subjects() if "connected" in subject] == []


@pytest.mark.parametrize("how", ["off", "paused"])
def test_the_mail_about_the_repair_does_not_promise_what_is_switched_off(
    office: Office, ines: Actor, how: str
) -> None:
    break_connection(office)
    mails()
    if how == "off":
        use.disable(office.integration_id, SOMEBODY, stop_running=True)
    else:
        pause.pause(office.integration_id, SOMEBODY, "")
    connect_again(office)
    *_, letter = mails()
    assert letter.subject.endswith("Intercom is connected again")
    stays = {"off": "User sync stays off", "paused": "The schedule stays paused"}[how]
    assert stays in (letter.text or "")
    assert "goes on" not in (letter.text or "")


def test_who_was_not_told_of_the_beginning_is_not_told_of_the_end(office: Office, ines: Actor) -> None:
    ines.post(f"/c/{slug(office)}/notifications", {"kinds": []})
    break_connection(office)
    assert subjects() == []
    ines.post(f"/c/{slug(office)}/notifications", {"kinds": ["broken"]})
    reconnect(office)
    assert subjects() == []


def test_disconnecting_ends_an_incident_without_a_mail(office: Office, ines: Actor, app: Flask) -> None:
    break_connection(office)
    before = subjects()
    with write_transaction() as session:
        session.get_one(Integration, office.integration_id, populate_existing=True).credentials = None
    connect.disconnect(db.session.get_one(Contract, office.contract_id), "intercom")
    assert open_kinds(office) == set()
    assert subjects() == before


def test_the_incident_is_written_with_the_end_of_the_run_or_not_at_all(
    office: Office, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("webapp.sync.schedule.incidents.open_incident", fails)
    office.platform.account_error = REVOKED
    run = office.request()
    with pytest.raises(ZeroDivisionError):
        office.work(run)
    assert (office.run(run.id).state, office.integration.connection) == ("running", "connected")
    monkeypatch.undo()
    office.take_back(run)
    office.work(run)
    assert (office.run(run.id).state, open_kinds(office)) == ("failed", {"broken"})


# ------------------------------------------------------------------ a held run
def hold(office: Office, keep: int = 2) -> SyncRun:
    office.sync(*CROWD)
    mails()
    return office.sync(*CROWD[:keep])


def test_held_runs_are_one_incident_however_many_there_are(office: Office, ines: Actor) -> None:
    run = hold(office)
    assert run.state == "held"
    first = office.sync()  # takes the place of the one before
    mails()
    for _ in range(2):
        assert office.sync().state == "held"
        mails()
    assert subjects() == [("ines@example.com", "A run of Intercom is held")]
    (letter,) = mails()
    assert f"/sync-status/runs/{first.id}\n" in (letter.text or "")
    assert "so nothing was changed" in (letter.text or "")


def test_an_approved_run_ends_the_incident(office: Office, ines: Actor) -> None:
    run = hold(office)
    mails()
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert office.run(run.id).state == "completed"
    assert [subject for _, subject in subjects()] == [
        "A run of Intercom is held",
        "The held run of Intercom is settled",
    ]


def test_a_run_that_is_held_after_another_was_approved_is_told_anew(office: Office, ines: Actor) -> None:
    run = hold(office)
    mails()
    office.platform.error = Unavailable("Intercom did not answer.")
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert office.run(run.id).state == "failed"
    *_, letter = mails()
    assert "somebody approved the run that was held, so it was let go on." in (letter.text or "")
    office.platform.error = None
    again = office.sync()
    assert again.state == "held"
    assert [subject for _, subject in subjects()] == [
        "A run of Intercom is held",
        "The held run of Intercom is settled",
        "A run of Intercom is held",
    ]
    office.platform.people_there = [*CROWD[5:7]]  # others than were shown
    office.work(held_run_service.approve(office.integration_id, again.id, SOMEBODY))
    assert office.run(again.id).state == "held"
    held_run_service.reject(office.integration_id, again.id, SOMEBODY)
    *_, letter = mails()
    assert "somebody rejected the run that was held." in (letter.text or "")


def test_a_rejected_run_ends_the_incident_and_says_who_decided(office: Office, ines: Actor) -> None:
    run = hold(office)
    mails()
    held_run_service.reject(office.integration_id, run.id, SOMEBODY)
    *_, letter = mails()
    assert letter.purpose == "recovery"
    assert "somebody rejected the run that was held. Nothing of it was applied." in (letter.text or "")


def test_a_list_that_is_whole_again_ends_the_incident(office: Office, ines: Actor) -> None:
    hold(office)
    mails()
    office.sync(*CROWD)
    assert subjects()[-1] == ("ines@example.com", "The held run of Intercom is settled")


def test_switching_user_sync_off_ends_it_without_a_mail(office: Office, ines: Actor) -> None:
    hold(office)
    before = subjects()
    use.disable(office.integration_id, SOMEBODY, stop_running=True)
    assert (open_kinds(office), subjects()) == (set(), before)


# ------------------------------------------------------------------ overdue
def long_ago(office: Office, hours: int = 13) -> None:
    then = utcnow() - timedelta(hours=hours)
    office.configure(enabled_at=then, last_success_at=then)


def test_a_sync_that_is_overdue_is_told_once_and_its_return_once(office: Office, ines: Actor) -> None:
    office.sync(*CROWD)
    mails()
    long_ago(office)
    for _ in range(3):
        assert subjects() == [("ines@example.com", "User sync of Intercom is overdue")]
    office.sync()
    assert subjects()[1:] == [("ines@example.com", "User sync of Intercom is up to date again")]


def test_a_first_import_that_never_succeeds_is_overdue_too(office: Office, ines: Actor) -> None:
    office.configure(enabled_at=utcnow() - timedelta(hours=13), last_success_at=None)
    (letter,) = mails()
    assert "The first import has not succeeded yet." in (letter.text or "")


@pytest.mark.parametrize("hours", [1, 7, 11])
def test_late_is_not_overdue(office: Office, ines: Actor, hours: int) -> None:
    long_ago(office, hours)
    assert subjects() == []


def test_what_is_overdue_because_of_something_else_is_told_of_that_alone(office: Office, ines: Actor) -> None:
    hold(office)
    long_ago(office)
    assert subjects() == [("ines@example.com", "A run of Intercom is held")]
    assert open_kinds(office) == {"held"}


@pytest.mark.parametrize("off", ["sync", "feature", "connection"])
def test_what_is_switched_off_is_never_overdue(office: Office, ines: Actor, off: str) -> None:
    long_ago(office)
    with write_transaction() as session:
        if off == "feature":
            session.execute(
                sa.delete(ContractFeature).where(ContractFeature.contract_id == office.contract_id)
            )
        if off == "connection":
            session.get_one(
                Integration, office.integration_id, populate_existing=True
            ).connection = "not_connected"
    if off == "sync":
        use.disable(office.integration_id, SOMEBODY, stop_running=True)
    assert subjects() == []


def test_two_ticks_at_once_open_one_incident(office: Office, ines: Actor) -> None:
    now = utcnow()
    with write_transaction() as session:
        for _ in range(2):
            open_incident(
                session.connection(),
                "overdue",
                contract_id=office.contract_id,
                integration_id=office.integration_id,
                now=now,
            )
    assert len([subject for _, subject in subjects() if "overdue" in subject]) == 1


# ------------------------------------------------------------------ the others
def test_a_preview_is_no_incident_and_ends_none(office: Office, ines: Actor) -> None:
    hold(office)
    before = subjects()
    office.platform.people_there = CROWD
    preview = preview_service.request_preview(office.integration_id, SOMEBODY, WhatIf())
    office.work(preview)
    assert office.run(preview.id).state == "completed"
    assert (subjects(), open_kinds(office)) == (before, {"held"})


def test_a_failed_run_is_no_mail(office: Office, ines: Actor) -> None:
    office.platform.error = Unavailable("Intercom did not answer.")
    assert office.sync().state == "failed"
    assert subjects() == []


def test_quarantine_is_told_to_those_who_chose_it(office: Office, ines: Actor) -> None:
    ines.post(f"/c/{slug(office)}/notifications", {"kinds": ["quarantine"]})
    office.platform.error = Unavailable("Intercom did not answer.")
    for _ in range(2):
        office.sync()
    assert mails() == []
    for _ in range(3):
        office.sync()
        (letter,) = mails()
    assert letter.subject.endswith("Runs of Intercom keep failing")
    assert "Intercom did not answer." in (letter.text or "")
    office.platform.error = None
    office.sync(*CROWD)
    assert subjects()[-1] == ("ines@example.com", "Runs of Intercom succeed again")


def slug(office: Office) -> str:
    return db.session.get_one(Contract, office.contract_id).slug


def test_the_first_import_says_how_many_people_wait(office: Office, ines: Actor) -> None:
    ines.post(f"/c/{slug(office)}/notifications", {"kinds": ["first_import"]})
    office.sync(*CROWD)
    (letter,) = mails()
    assert letter.recipient == "ines@example.com"
    assert "20 people are waiting for you" in (letter.text or "")
    assert f"/c/{slug(office)}/users?status=pending" in (letter.text or "")
    office.sync(*CROWD, person("99", "One More", "more@example.com"))
    assert len(mails()) == 1


def test_no_pending_person_ever_gets_a_mail(office: Office, ines: Actor) -> None:
    everything = {"kinds": ["broken", "held", "overdue", "quarantine", "first_import", "waiting"]}
    ines.post(f"/c/{slug(office)}/notifications", everything)
    office.sync(*CROWD)
    waited(office)
    mails()
    office.sync(*CROWD[:2])
    break_connection(office)
    assert {message.recipient for message in mails()} == {"ines@example.com"}
    assert len(mails()) == 4


# ------------------------------------------------------------------ the weekly reminder
def waited(office: Office, days: int = 8) -> None:
    """Everybody pending has waited for days, and the contract's next look has come."""
    with write_transaction() as session:
        session.execute(
            sa.update(User)
            .where(User.contract_id == office.contract_id, User.status == "pending")
            .values(status_since=utcnow() - timedelta(days=days))
        )


def week_passes() -> None:
    with write_transaction() as session:
        session.execute(
            sa.text("UPDATE reminders SET next_at = :now"), {"now": utcnow().replace(tzinfo=None)}
        )


def test_who_waits_for_a_week_is_reminded_of_each_week(office: Office, ines: Actor) -> None:
    ines.post(f"/c/{slug(office)}/notifications", {"kinds": ["waiting"]})
    office.user("Pia", "pia@example.com", "pia@example.com", status="pending")
    assert subjects() == []
    waited(office)
    week_passes()
    assert subjects() == [("ines@example.com", "1 person is waiting to be activated")]
    assert len(mails()) == 1
    week_passes()
    assert len(mails()) == 2
    with write_transaction() as session:
        session.execute(sa.update(User).where(User.name == "Pia").values(status="active"))
    week_passes()
    assert len(mails()) == 2


def test_nobody_is_reminded_unless_they_asked_for_it(office: Office, ines: Actor) -> None:
    office.user("Pia", "pia@example.com", "pia@example.com", status="pending")
    waited(office)
    assert subjects() == []


# ------------------------------------------------------------------ who
def test_only_those_hear_of_it_who_can_act_and_want_to(office: Office, ines: Actor, app: Flask) -> None:
    make_actor(app, office.contract_id, "manager", email="manager@example.com")
    make_actor(app, office.contract_id, "system_access", email="system@example.com")
    gone = make_actor(app, office.contract_id, "administrator", email="gone@example.com")
    closed = make_actor(app, office.contract_id, "administrator", email="closed@example.com")
    quiet = make_actor(app, office.contract_id, "administrator", email="quiet@example.com")
    elsewhere = office.another()
    make_actor(app, elsewhere.contract_id, "administrator", email="elsewhere@example.com")
    quiet.post(f"/c/{slug(office)}/notifications", {})
    deactivate(app, office.contract_id, gone.account_id)
    with write_transaction() as session:
        session.get_one(Account, closed.account_id).disabled_at = utcnow()
    break_connection(office)
    assert [recipient for recipient, _ in subjects()] == ["ines@example.com"]


def test_who_lost_the_permission_hears_nothing_whatever_they_chose(
    office: Office, ines: Actor, app: Flask
) -> None:
    ines.post(f"/c/{slug(office)}/notifications", {"kinds": ["broken"]})
    with write_transaction() as session:
        session.execute(
            sa.text("DELETE FROM role_permissions WHERE permission = :permission"),
            {"permission": INTEGRATIONS},
        )
    break_connection(office)
    assert subjects() == []


def test_while_the_feature_is_off_nobody_hears_of_integrations(office: Office, ines: Actor) -> None:
    break_connection(office)
    with write_transaction() as session:
        contracts.set_feature(session, session.get_one(Contract, office.contract_id), INTEGRATIONS, on=False)
    assert subjects() == []
