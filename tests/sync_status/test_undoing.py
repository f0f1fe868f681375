"""The page that undoes a run, through its form."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.actors import make_actor
from tests.sync.people import person
from tests.sync.test_retention import age, tidy
from tests.sync.undoing import change_user, work
from tests.sync_status.conftest import Watched, forms, said, strip, texts
from webapp.core.models import SyncRun, db

BOB_GOES_BACK = (
    "Bob Martin bob @example.com Gets the old name back: Changed from Bob Martin → to Bob Old "
    "No longer linked, as before. 2"
)
BOB_STAYS = (
    "Robert bob @example.com The name has changed since, by hand or by a later run. "
    "Would be Bob Old again; is Robert now. 2"
)
GOES, STAYS = "Who goes back", "Who cannot go back any more"


def three(watched: Watched) -> SyncRun:
    """A run that imported Ada, renamed Bob and recognised Cleo."""
    with watched.inside() as office:
        office.user("Bob Old", "bob@example.com", "bob@example.com")
        office.user("Cleo Nova", "cleo@example.com", "cleo@example.com")
    return watched.sync(
        person("1", "Ada Lovelace", "ada@example.com"),
        person("2", "Bob Martin", "bob@example.com"),
        person("3", "Cleo Nova", "cleo@example.com"),
    )


def page_of(watched: Watched, run: SyncRun, query: str = "") -> str:
    answer = watched.admin.get(f"/c/{watched.slug}/sync-status/runs/{run.id}/undo{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def stamp_of(page: str) -> str:
    found = re.search(r'name="stamp" value="([^"]+)"', page)
    assert found
    return found.group(1)


def press(watched: Watched, run: SyncRun, stamp: str, then: str = "pause") -> str:
    answer = watched.admin.post(
        f"/c/{watched.slug}/sync-status/runs/{run.id}/undo",
        {"stamp": stamp, "then": then},
        follow_redirects=True,
    )
    assert answer.status_code == 200, answer.text
    return answer.text


def undo_of(watched: Watched, run: SyncRun) -> SyncRun:
    with watched.inside():
        (found,) = db.session.query(SyncRun).filter_by(undoes_id=run.id).all()
        return found


def test_a_run_is_undone_and_each_leads_to_the_other(watched: Watched) -> None:
    run = three(watched)
    assert f"/runs/{run.id}/undo" in watched.run_page(run, actor=watched.admin)
    page = page_of(watched, run)
    assert texts(page, GOES) == [
        "Ada Lovelace ada @example.com Imported, untouched since: taken away again 1",
        BOB_GOES_BACK,
        "Cleo Nova cleo @example.com No longer linked; the user stays 3",
    ]
    assert "The next sync would bring it all back" in said(page)
    assert "Undo for 3 people" in said(page)
    asked = press(watched, run, stamp_of(page))
    undone = undo_of(watched, run)
    assert f"undoing run {run.id}" in said(asked)
    with watched.inside() as office:
        work(office, undone)
    after = watched.run_page(undone, actor=watched.admin)
    assert strip(after) == {
        "Changes": 3, "Removed again": 1, "Name put back": 1, "Unlinked": 1, "Kept": 0, "Already undone": 0,
    }  # fmt: skip
    assert f"This run undoes run {run.id}." in said(after)
    assert f"Run {undone.id} undid this run." in said(watched.run_page(run))
    assert "/undo" not in after
    assert "Everything this run changed is as it was before" in said(page_of(watched, run))


def test_what_cannot_go_back_is_listed_first_with_the_reason(watched: Watched) -> None:
    run = three(watched)
    with watched.inside() as office:
        change_user(office, "ada@example.com", status="active")
        office.rename_here("bob@example.com", "Robert")
    page = page_of(watched, run)
    assert texts(page, STAYS) == [
        "Ada Lovelace ada @example.com Is active by now, and takes a licence. 1",
        BOB_STAYS,
    ]
    assert "Active by now: 1. Renamed since: 1." in said(page)
    assert texts(page_of(watched, run, "?show=goes"), GOES) == [
        "Cleo Nova cleo @example.com No longer linked; the user stays 3"
    ]
    press(watched, run, stamp_of(page))
    with watched.inside() as office:
        work(office, undo_of(watched, run))
    after = watched.run_page(undo_of(watched, run))
    assert strip(after)["Kept"] == 2
    assert "Stays Ada Lovelace ada @example.com Is active by now" in texts(after, "Changes in run")[0]


def test_nothing_is_done_when_something_has_changed_since_it_was_shown(watched: Watched) -> None:
    run = three(watched)
    page = page_of(watched, run)
    with watched.inside() as office:
        change_user(office, "ada@example.com", status="active")
    assert "Something has changed since this page was shown" in said(press(watched, run, stamp_of(page)))
    with watched.inside():
        assert db.session.query(SyncRun).filter_by(undoes_id=run.id).all() == []


def test_the_schedule_is_paused_or_goes_on_as_chosen(watched: Watched) -> None:
    run = three(watched)
    page = press(watched, run, stamp_of(page_of(watched, run)), then="go_on")
    assert "paused" not in said(page)
    with watched.inside() as office:
        assert office.sync_settings.paused_at is None
        work(office, undo_of(watched, run))
        again = office.sync()
    page = press(watched, again, stamp_of(page_of(watched, again)))
    assert "is paused until somebody resumes it" in said(page)
    with watched.inside() as office:
        assert office.sync_settings.pause_reason == f"Run {again.id} was undone"


def test_beside_a_live_run_there_is_no_button(watched: Watched) -> None:
    run = three(watched)
    with watched.inside() as office:
        office.request()
    page = page_of(watched, run)
    assert "A run is going on" in said(page)
    assert forms(page) == []
    assert "A run is going on" in said(press(watched, run, "whatever"))


def test_a_run_whose_lines_were_removed_says_so(watched: Watched) -> None:
    run = three(watched)
    with watched.inside() as office:
        age(office, run, timedelta(days=400))
        tidy(office)
    assert "were deleted because they were too old" in said(watched.run_page(run))
    page = page_of(watched, run)
    assert "The lines of this run were removed for their age" in said(page)
    assert forms(page) == []
    assert "Nobody was changed" in said(press(watched, run, "whatever"))


@pytest.mark.parametrize("then", ["", "never"])
def test_an_answer_that_is_none_is_refused(watched: Watched, then: str) -> None:
    run = three(watched)
    answer = watched.admin.post(
        f"/c/{watched.slug}/sync-status/runs/{run.id}/undo", {"stamp": "1", "then": then}
    )
    assert answer.status_code == 422


def test_who_only_looks_sees_no_way_to_undo(watched: Watched) -> None:
    run = three(watched)
    assert "/undo" not in watched.run_page(run, actor=watched.support)
    stranger = make_actor(watched.app, watched.office.contract_id, "manager")
    assert stranger.get(f"/c/{watched.slug}/sync-status/runs/{run.id}/undo").status_code == 403
