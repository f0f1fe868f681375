"""Going on after a restore, on both databases: what comes next is compared, nothing is done twice (B6)."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

import config
import webapp
from tests.actors import make_actor
from tests.sync.office import SOMEBODY, Office, open_office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.database_file import database_path
from webapp.core.models import AuditEvent, Message, SignInSession, db
from webapp.integrations.user_sync import held_run_service
from webapp.notifications.mail import outbox
from webapp.operations.backup import still_running
from webapp.operations.backup.in_use import serve_from
from webapp.platforms.base import Person
from webapp.queue.wake import connection


def crowd(count: int, said: str = "Person", first: int = 0) -> list[Person]:
    return [person(str(n), f"{said} {n}", f"p{n}@example.com") for n in range(first, first + count)]


@pytest.fixture
def office(app: Flask) -> Office:
    """Twenty people as they were when the backup was made."""
    with app.app_context():
        office = open_office(app)
        office.sync(*crowd(20))
        yield office


def restored(office: Office) -> Office:
    """The database is an older one again, and the operator has said so."""
    db.session.remove()
    db.engine.dispose()  # nothing else is connected
    ended = office.app.test_cli_runner().invoke(args=["restored"])
    assert ended.exit_code == 0, ended.output
    assert "Marked as restored." in ended.output
    return office


def test_B6_little_has_changed_since_the_backup_so_the_next_run_goes_through(office: Office) -> None:
    restored(office)
    run = office.sync(*crowd(2, "Renamed"), *crowd(17, first=2), *crowd(3, "Newcomer", first=50))
    assert (run.state, run.renamed, run.missing, run.imported) == ("completed", 2, 1, 3)
    assert len(office.users()) == 23
    assert office.sync().imported == 0


def test_B6_a_run_that_would_undo_much_of_the_backup_is_held(office: Office) -> None:
    restored(office)
    there = [*crowd(6, "Renamed"), *crowd(14, first=6)]
    run = office.sync(*there)
    assert (run.state, run.renamed) == ("held", 0)
    assert (run.message or "").startswith(
        "Rollcall was restored from a backup, and much of that would change: 6 names would change and 0 teammates go "
        "missing, of 20 (30%; the limit is 20%)"
    )
    assert [kind for _, kind in office.changes(run)] == ["renamed"] * 6
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, office.run(run.id).renamed) == ("completed", 6)
    assert len(office.users()) == 20


def test_B6_an_approval_covers_nobody_else(office: Office) -> None:
    restored(office)
    run = office.sync(*crowd(6, "Renamed"), *crowd(14, first=6))
    office.platform.people_there = [*crowd(7, "Renamed"), *crowd(13, first=7)]
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert office.run(run.id).state == "held"


def test_B6_names_and_people_who_are_gone_count_together(office: Office) -> None:
    restored(office)
    run = office.sync(*crowd(3, "Renamed"), *crowd(14, first=3))
    assert run.state == "held"
    assert "3 names would change and 3 teammates go missing, of 20 (30%" in (run.message or "")


def test_B6_only_until_a_run_has_gone_through(office: Office) -> None:
    assert (
        office.sync(*crowd(10, "Once"), *crowd(10, first=10)).state == "completed"
    )  # no restore, no comparison
    restored(office)
    assert office.sync().state == "completed"
    assert office.sync(*crowd(20, "Twice")).renamed == 20


def test_B6_the_page_of_the_held_run_says_why(office: Office) -> None:
    restored(office)
    run = office.sync(*crowd(6, "Renamed"), *crowd(14, first=6))
    slug = db.session.scalar(sa.text("SELECT slug FROM contracts"))
    db.session.rollback()
    page = make_actor(office.app, office.contract_id, "administrator").get(
        f"/c/{slug}/sync-status/runs/{run.id}"
    )
    assert "Rollcall was restored from a backup" in page.text
    assert "Would be renamed" in page.text
    assert "Approve and raise the limit" not in page.text


def test_B6_what_was_under_way_and_what_waited_ends(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        office.platform.people_there = crowd(3)
        run = office.request()
        actor = make_actor(app, office.contract_id, "administrator")
        with write_transaction() as session:
            outbox.queue(
                session,
                to="ada@example.com",
                subject="A link",
                text="of yours",
                contract_id=office.contract_id,
                purpose="incident",
                secret=True,
            )
        restored(office)
        assert (office.run(run.id).state, office.run(run.id).imported) == ("cancelled", 0)
        assert "restored from a backup" in (office.run(run.id).message or "")
        message = db.session.scalars(sa.select(Message)).one()
        assert (message.state, message.sealed_text) == ("failed", None)
        assert db.session.scalars(sa.select(SignInSession)).all() == []
        assert actor.get("/").status_code == 302
        events = db.session.scalars(
            sa.select(AuditEvent).where(AuditEvent.action == "contract.restored")
        ).all()
        assert [(one.contract_id, one.actor) for one in events] == [
            (office.contract_id, "command: flask restored")
        ]
        office.work(run)  # a worker that wakes for it late finds nothing to take
        assert len(office.users()) == 1  # the administrator
        assert office.sync().imported == 3


def test_B6_no_marking_while_a_worker_is_there(app: Flask, office: Office) -> None:
    connection().sadd("rq:workers:sync-intercom", "rq:worker:somebody")
    ended = app.test_cli_runner().invoke(args=["restored"])
    assert ended.exit_code == 1
    assert "A worker is running." in ended.output
    assert office.integration.restored_at is None


def test_B6_no_marking_while_a_scheduler_is_there(app: Flask, office: Office) -> None:
    connection().hset("rq:scheduler_instance:gone", mapping={"birth": 1, "death": 2})
    connection().hset("rq:scheduler_instance:somebody", "birth", 1)
    ended = app.test_cli_runner().invoke(args=["restored"])
    assert ended.exit_code == 1
    assert "A scheduler is running. Stop web, workers and scheduler first" in ended.output
    assert office.integration.restored_at is None
    connection().delete("rq:scheduler_instance:somebody")
    restored(office)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_B6_no_marking_while_something_serves_from_the_file(app: Flask, office: Office) -> None:
    path = database_path(app.extensions["settings"].database_url)
    assert path is not None
    with serve_from(path):
        ended = app.test_cli_runner().invoke(args=["restored"])
        assert ended.exit_code == 1
        assert "is in use. Stop the web, the workers and the scheduler first" in ended.output
        assert office.integration.restored_at is None
    restored(office)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_B6_no_marking_while_the_role_that_serves_is_connected(
    app: Flask, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(still_running, "CLOSING", 0.5)
    url = app.extensions["settings"].database_url.replace("postgresql+psycopg", "postgresql")
    db.session.remove()
    db.engine.dispose()
    with psycopg.connect(url):
        ended = app.test_cli_runner().invoke(args=["restored"])
        assert ended.exit_code == 1
        assert "1 other connection to the database is open as the role that serves." in ended.output
        assert "give --anyway" in ended.output
        assert office.integration.restored_at is None
        assert app.test_cli_runner().invoke(args=["restored", "--anyway"]).exit_code == 0
    db.session.rollback()
    assert office.integration.restored_at is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_B6_without_redis_the_operator_hears_what_nobody_looked_at(settings: config.Settings) -> None:
    app = webapp.create_app(replace(settings, redis_url="redis://127.0.0.1:9/0"))
    ended = app.test_cli_runner().invoke(args=["restored"])
    assert ended.exit_code == 0
    assert (
        "nobody looked whether a worker or the scheduler is running. Make sure that none is." in ended.stderr
    )
    with app.app_context():
        db.engine.dispose()
