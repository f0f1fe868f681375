"""Previews: what a run would do, for saved settings and for others, written nowhere else, applied as it stands."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from tests.actors import Actor
from tests.sync.office import Office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, db, utcnow
from webapp.jobs import functions
from webapp.sync.run import preview

ADA = person("1", "Ada Lovelace", "ada@example.com", staff="7")
GRACE = person("2", "Grace Hopper", "grace@example.com", staff="8")


def page(slug: str) -> str:
    return f"/c/{slug}/integrations/platforms/intercom/user-sync"


def previewed(office: Office, slug: str, admin: Actor, **fields: str) -> SyncRun:
    """Press Preview, carry it out; the ended preview."""
    answer = admin.post(f"{page(slug)}/preview", dict(fields))
    assert answer.status_code == 302, answer.text
    run = office.run(int(answer.location.rsplit("/", 1)[1]))
    assert run.preview
    office.work(run)
    return office.run(run.id)


def applied(office: Office, slug: str, admin: Actor, run: SyncRun) -> SyncRun:
    answer = admin.post(f"{page(slug)}/runs/{run.id}/apply")
    applying = office.run(int(answer.location.rsplit("/", 1)[1]))
    assert not applying.preview, admin.get(answer.location).text
    office.work(applying)
    return office.run(applying.id)


def test_a_preview_says_what_a_run_would_do_and_saves_nothing(
    office: Office, slug: str, admin: Actor
) -> None:
    here = office.user("A. Lovelace", "ada@example.com")
    office.platform.people_there = [ADA, GRACE]
    run = previewed(office, slug, admin)
    assert (run.state, run.imported, run.renamed) == ("completed", 1, 1)
    assert office.changes(run) == [("1", "renamed"), ("2", "imported")]
    assert office.remembered() == {}
    assert {user.username for user in office.users().values() if user.account_id is None} == {
        "ada@example.com"
    }
    assert office.users()["ada@example.com"].id == here
    assert office.users()["ada@example.com"].name == "A. Lovelace"
    assert office.sync_settings.last_success_at is None
    text = admin.get(f"/c/{slug}/sync-status/runs/{run.id}").text
    assert "Nothing was saved: this is a preview" in text
    assert "1 to import, 1 to rename" in text
    assert "No runs yet" in admin.get(page(slug)).text


def test_what_was_previewed_is_what_the_run_then_does(office: Office, slug: str, admin: Actor) -> None:
    office.user("A. Lovelace", "ada@example.com")
    office.platform.people_there = [ADA, GRACE]
    shown = previewed(office, slug, admin)
    run = applied(office, slug, admin, shown)
    assert run.state == "completed"
    assert office.changes(run) == office.changes(shown)
    assert [(line.before, line.after) for line in office.lines(run)] == [
        (line.before, line.after) for line in office.lines(shown)
    ]
    assert office.users()["ada@example.com"].name == "Ada Lovelace"


def test_a_source_that_changed_since_is_not_applied(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [ADA]
    shown = previewed(office, slug, admin)
    office.platform.people_there = [ADA, GRACE]
    run = applied(office, slug, admin, shown)
    assert run.state == "cancelled"
    assert "Something has changed since the preview" in (run.message or "")
    assert "ada@example.com" not in office.users()


def test_another_column_is_tried_without_being_saved_and_saved_when_applied(
    office: Office, slug: str, admin: Actor
) -> None:
    office.user("Ada", "ada-user", third_party="7")
    office.platform.people_there = [ADA, GRACE]
    shown = previewed(office, slug, admin, column="staff")
    assert office.sync_settings.identifier_column is None
    assert (shown.renamed, shown.imported) == (1, 1)
    assert previewed(office, slug, admin).imported == 2  # the saved settings match nobody
    run = applied(office, slug, admin, shown)
    assert (run.state, run.renamed, run.imported) == ("completed", 1, 1)
    assert office.sync_settings.identifier_column == "staff"


def test_a_column_that_would_collide_shows_whom(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [
        person("1", "Ada", "ada@example.com", desk="front"),
        person("2", "Grace", "grace@example.com", desk="front"),
    ]
    shown = previewed(office, slug, admin, column="desk")
    assert (shown.conflicts, shown.imported) == (2, 0)
    assert "front" in admin.get(f"/c/{slug}/sync-status/runs/{shown.id}").text


def test_a_preview_and_a_run_do_not_wait_for_each_other(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [ADA]
    admin.post(f"{page(slug)}/preview")
    run = office.sync()
    assert (run.state, run.imported) == ("completed", 1)


def test_a_second_preview_takes_the_place_of_the_first(office: Office, slug: str, admin: Actor) -> None:
    first = admin.post(f"{page(slug)}/preview").location
    second = admin.post(f"{page(slug)}/preview").location
    assert first != second
    assert office.run(int(first.rsplit("/", 1)[1])).state == "cancelled"


def test_a_preview_that_the_safeguard_would_hold_says_so(office: Office, slug: str, admin: Actor) -> None:
    office.sync(*[person(str(n), f"P {n}", f"p{n}@example.com") for n in range(100, 120)])
    office.platform.people_there = [person("100", "P 100", "p100@example.com")]
    shown = previewed(office, slug, admin)
    assert "The safeguard would hold this run" in (shown.message or "")
    assert shown.missing == 19
    assert not any(entry.missing_since for entry in office.remembered().values())


def test_previews_count_nowhere(office: Office, slug: str, admin: Actor) -> None:
    office.sync(ADA)
    office.platform.people_there = [ADA, GRACE]
    run = previewed(office, slug, admin)
    status = admin.get(f"/c/{slug}/sync-status").text
    assert f"/runs/{run.id}" not in status
    user = office.users()["ada@example.com"]
    assert f"/runs/{run.id}" not in admin.get(f"/c/{slug}/users/{user.id}").text


def test_a_preview_is_kept_for_a_day(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [ADA]
    shown = previewed(office, slug, admin)
    with write_transaction() as session:
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.id == shown.id)
            .values(queued_at=utcnow() - preview.LIFETIME - timedelta(minutes=1))
        )
    answer = admin.post(f"{page(slug)}/runs/{shown.id}/apply", follow_redirects=True)
    assert "too old to be applied" in answer.text
    db.session.rollback()
    functions.tick()
    db.session.rollback()
    assert db.session.scalars(sa.select(SyncRun.id)).all() == []


def test_a_preview_that_waits_or_runs_can_be_stopped(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [ADA, GRACE]
    waiting = office.run(int(admin.post(f"{page(slug)}/preview").location.rsplit("/", 1)[1]))
    assert "Stop this preview" in admin.get(f"/c/{slug}/sync-status/runs/{waiting.id}").text
    admin.post(f"{page(slug)}/runs/{waiting.id}/cancel")
    assert office.run(waiting.id).state == "cancelled"

    run = office.run(int(admin.post(f"{page(slug)}/preview").location.rsplit("/", 1)[1]))
    office.platform.meanwhile = lambda: admin.post(f"{page(slug)}/runs/{run.id}/cancel")
    office.work(run)
    stopped = office.run(run.id)
    assert stopped.state == "cancelled"
    assert stopped.message == "This preview was stopped before it was done. Nothing was saved or changed."
    assert office.changes(stopped) == []


def test_stopping_a_preview_leaves_the_run_beside_it_alone(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [ADA]
    run = office.request()
    preview_id = int(admin.post(f"{page(slug)}/preview").location.rsplit("/", 1)[1])
    admin.post(f"{page(slug)}/runs/{preview_id}/cancel")
    assert office.run(run.id).state == "queued"
    assert office.run(preview_id).state == "cancelled"
