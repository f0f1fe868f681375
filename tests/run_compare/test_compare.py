"""Two runs beside each other: figures, what was changed between them, who fared differently, and what is not known."""

from __future__ import annotations

import sqlalchemy as sa

from tests.actors import make_actor, make_contract
from tests.sync.office import statements
from tests.sync.people import person
from tests.sync_status.conftest import Watched, said, texts
from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.models import Person, SyncChange, SyncRun, db
from webapp.integrations.user_sync import preview_service
from webapp.sync.plan.what_if import WhatIf
from webapp.sync.schedule.schedule import Requester

ADA = person("1", "Ada Lovelace", "ada@example.com", staff="7")
GRACE = person("2", "Grace Hopper", "grace@example.com", staff="7")
CLEO = person("3", "Cleo Nova", "cleo@example.com")
CAPTION = "People who fared differently"


def compared(watched: Watched, a: SyncRun, b: SyncRun, query: str = "") -> str:
    answer = watched.status(None, f"/runs/{a.id}/compare/{b.id}{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


LIMITS = {"shrink_percent": 30, "shrink_people": 9, "growth_percent": 60, "growth_people": 70}


def test_figures_stand_side_by_side_with_their_difference(watched: Watched) -> None:
    first, second = watched.sync(ADA, GRACE), watched.sync(ADA, GRACE, CLEO)
    rows = texts(compared(watched, first, second), "Figures of both runs")
    assert "Found 2 3 +1" in rows
    assert "Imported 2 1 −1" in rows
    assert "Conflicts 0 0 same" in rows


def test_people_are_only_in_one_or_in_both_but_different(watched: Watched) -> None:
    first = watched.sync(ADA, GRACE)
    second = watched.sync(person("1", "Ada King", "ada@example.com"), GRACE, CLEO)
    page = compared(watched, first, second)
    rows = texts(page, CAPTION)
    assert len(rows) == 3
    assert "Imported" in rows[0]
    assert "Renamed to Ada King" in rows[0]
    assert "Imported Nothing to do, or not listed" in rows[1]
    assert "Nothing to do, or not listed Imported" in rows[2]
    for show, name in (("both", "Ada"), ("only_a", "Grace"), ("only_b", "Cleo")):
        (row,) = texts(compared(watched, first, second, f"?show={show}"), CAPTION)
        assert name in row


def test_the_same_two_runs_differ_in_nobody(watched: Watched) -> None:
    watched.sync(ADA, GRACE)
    first, second = watched.sync(ADA, GRACE), watched.sync(ADA, GRACE)
    assert "Everybody fared the same" in compared(watched, first, second)


def test_many_differences_are_paged_in_a_constant_number_of_statements(watched: Watched) -> None:
    first = watched.sync(*(person(f"{n:03}", f"P {n}", f"p{n}@example.com") for n in range(60)))
    second = watched.sync()
    assert "Showing 1–25 of 60 people" in said(compared(watched, first, second))
    counts = []
    for size in (25, 50):
        with statements(_engine(watched)) as seen:
            compared(watched, first, second, f"?per_page={size}")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def _engine(watched: Watched) -> sa.Engine:
    with watched.app.app_context():
        return db.engine


def test_lines_that_are_gone_are_said_to_be(watched: Watched) -> None:
    first, second = watched.sync(ADA, GRACE), watched.sync(ADA, GRACE, CLEO)
    with watched.inside(), write_transaction() as session:
        session.execute(sa.delete(SyncChange).where(SyncChange.run_id == first.id))
    told = said(compared(watched, first, second))
    assert f"All lines of run {first.id} are no longer kept; its figures stay." in told


def test_a_preview_and_a_held_run_say_what_they_are(watched: Watched) -> None:
    first = watched.sync(*(person(f"{n}", f"P {n}", f"p{n}@example.com") for n in range(20)))
    held = watched.sync(person("1", "P 1", "p1@example.com"))
    assert held.state == "held"
    told = said(compared(watched, first, held))
    assert f"Run {held.id} is held: nothing of it has been applied." in told
    assert "Imported 20 0" in told  # what is done and what would be done in one line
    assert "To import" not in told
    with watched.inside() as office:
        preview = preview_service.request_preview(
            office.integration_id, Requester(None, "somebody"), WhatIf(identifier_column="staff")
        )
        office.work(preview)
        preview_id = preview.id
        shown = office.run(preview_id)
        told = said(watched.status(None, f"/runs/{shown.id}/compare/{first.id}").text)
    assert f"Run {preview_id} is a preview" in told
    assert "Identifier staff" in told


def test_settings_changed_between_are_listed(watched: Watched) -> None:
    first = watched.sync(ADA, CLEO)
    sync = f"/c/{watched.slug}/integrations/platforms/intercom/user-sync"
    watched.admin.post(f"{sync}/safeguard", LIMITS)
    second = watched.sync(ADA, CLEO)
    assert "Changed the safeguard of Intercom" in said(compared(watched, first, second))
    third = watched.sync(ADA, CLEO)
    assert "No setting, exclusion or decision was changed" in said(compared(watched, second, third))


def test_merges_and_decisions_of_this_platform_alone_are_among_what_was_changed(watched: Watched) -> None:
    first = watched.sync(ADA, CLEO)
    with watched.inside() as office, write_transaction() as session:
        here = session.scalars(sa.select(Person.id).order_by(Person.id)).first()
        for action, kind, target, about in (
            ("conflict.decided", "person", here, "Ada Lovelace"),
            ("conflict.forgotten", "person", 10**9, "Somebody of another platform"),
            ("users.merged", "user", 1, "Cleo Nova"),
            ("user_sync.tried_saved", "integration", office.integration_id, "Intercom"),
            ("user_sync.disabled", "integration", 10**9, "Another platform"),
        ):
            log.record(
                session, action, about, contract_id=office.contract_id, target_type=kind, target_id=target
            )
    told = said(compared(watched, first, watched.sync(ADA, CLEO)))
    for words in (
        "Decided about Ada Lovelace",
        "Merged another user into Cleo Nova",
        "Saved the previewed settings of Intercom",
    ):
        assert words in told
    assert "nother platform" not in told


def test_the_chooser_leads_to_the_comparison(watched: Watched) -> None:
    first, second = watched.sync(ADA), watched.sync(ADA)
    page = watched.run_page(second)
    assert f'<option value="{first.id}">' in page
    answer = watched.status(None, f"/runs/{second.id}/compare?with={first.id}")
    assert answer.location.endswith(f"/runs/{second.id}/compare/{first.id}")
    for number in ("", "x", str(second.id), "9" * 30):
        answer = watched.status(None, f"/runs/{second.id}/compare?with={number}")
        assert answer.location.endswith(f"/runs/{second.id}")


def test_a_run_of_somebody_else_is_not_found(watched: Watched) -> None:
    first = watched.sync(ADA)
    with watched.inside() as office:
        other = office.another()
        theirs = other.sync(ADA)
        assert (
            watched.support.get(
                f"/c/{watched.slug}/sync-status/runs/{first.id}/compare/{theirs.id}"
            ).status_code
            == 404
        )
    assert watched.status(None, f"/runs/{first.id}/compare/999999").status_code == 404
    stranger = make_actor(watched.app, make_contract(watched.app, "elsewhere"), "administrator")
    assert stranger.get(f"/c/elsewhere/sync-status/runs/{first.id}/compare/{first.id}").status_code == 404
