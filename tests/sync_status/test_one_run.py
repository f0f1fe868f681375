"""One run in full, as somebody reads it who may not touch anything."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.actors import make_actor, make_contract
from tests.sync.people import person
from tests.sync_status.conftest import Watched, forms, rows, said, strip, texts
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, db, utcnow
from webapp.platforms.base import AccessDenied, BadResponse, ConnectorError, LeftOut, Unavailable

PARTS = ("Imported", "Recognised", "Renamed", "Unchanged", "Left out", "Conflicts")


def imported(watched: Watched, count: int) -> SyncRun:
    """A run that imported so many people."""
    return watched.sync(
        *(person(f"{n:03}", f"Person {n:03}", f"person.{n:03}@example.com") for n in range(count))
    )


def test_the_figures_add_up_and_each_leads_to_its_people(watched: Watched) -> None:
    with watched.inside() as office:
        office.user("Ada Lovelace", "ada@example.com", "ada@example.com")
        office.user("Bob Old", "bob@example.com", "bob@example.com")
    watched.sync(person("0", "Zoe Same", "zoe@example.com"))
    run = watched.sync(
        person("0", "Zoe Same", "zoe@example.com"),
        person("1", "Ada Lovelace", "ada@example.com"),
        person("2", "Bob New", "bob@example.com"),
        person("3", "Cleo Nova", "cleo@example.com"),
        person("4", "Dan One", "twice@example.com"),
        person("5", "Dan Two", "twice@example.com"),
        set_aside=(LeftOut("9", "Operator", None, "bot"),),
    )
    page = watched.run_page(run)
    figures = strip(page)
    assert figures["Found"] == 7 == sum(figures[part] for part in PARTS)
    assert figures == {
        "Found": 7, "Imported": 1, "Recognised": 1, "Renamed": 1, "Unchanged": 1, "Left out": 1, "Conflicts": 2,
        "Missing": 0,
    }  # fmt: skip
    assert len(rows(page, "Changes in run")) == 6
    for kind, names in {
        "imported": ["Cleo Nova"],
        "linked": ["Ada Lovelace"],
        "renamed": ["Bob New"],
        "left_out": ["Operator"],
        "conflict": ["Dan One", "Dan Two"],
    }.items():
        assert f"kind={kind}" in page
        listed = texts(watched.run_page(run, f"?kind={kind}"), "Changes in run")
        assert len(listed) == len(names)
        assert all(name in line for name, line in zip(names, listed, strict=True))


def test_B3_a_run_that_reads_its_platform_says_what_it_waits_for(watched: Watched) -> None:
    run = watched.sync(person("1", email="ada@example.com"))
    with watched.inside() as office, write_transaction() as session:
        going_on = session.get_one(SyncRun, run.id)
        going_on.state, going_on.stage, going_on.finished_at = "running", "fetch", None

    page = f"/c/{watched.slug}/sync-status"

    def waits(path: str, **note: float) -> str:
        key = f"rollcall:waits:{office.integration_id}"
        watched.app.extensions["redis"].set(key, json.dumps({"at": time.time() - 40} | note))
        return watched.admin.get(path).text

    tab = f"/c/{watched.slug}/integrations/platforms/intercom/user-sync"
    for path in (f"{page}/runs/{run.id}", f"{page}/runs/{run.id}/panel", tab, f"{tab}/panel"):
        assert re.search(r"Waiting for Intercom \(page 3\)\. No answer for 4\d s\.", waits(path, page=3))
        assert re.search(r"Waiting for Intercom\. No answer for 4\d s\.", waits(path, page=1))
        paused = waits(path, page=2, pause=60.0)
        assert re.search(r"Waiting for Intercom \(page 2\)\. Trying again in \d+ s\.", paused)
        assert "Waiting for Intercom" not in waits(path, page=3, at=time.time())
    watched.app.extensions["redis"].set(f"rollcall:waits:{office.integration_id}", b"\xffnonsense")
    assert "Waiting for Intercom" not in watched.run_page(run)


def test_where_nothing_is_listed_nothing_is_searched(watched: Watched) -> None:
    watched.office.platform.error = Unavailable("Intercom did not answer in time.")
    run = watched.sync(person("1", email="ada@example.com"))
    assert "Name, email or ID" not in watched.run_page(run)
    assert "Name, email or ID" in watched.run_page(run, "?q=ada")


def test_a_new_name_stands_beside_the_old_one(watched: Watched) -> None:
    watched.sync(person("7", "Iris Abbott", "iris@example.com"))
    run = watched.sync(person("7", "Iris Novak", "iris@example.com"))
    (line,) = texts(watched.run_page(run), "Changes in run")
    assert line.startswith("Renamed Iris Novak")
    assert "Changed from Iris Abbott → to Iris Novak" in line
    assert line.endswith("7")


def test_who_is_gone_and_who_is_back_is_said_with_what_it_means(watched: Watched) -> None:
    everybody = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(3)]
    watched.sync(*everybody)
    gone = watched.run_page(watched.sync(*everybody[1:]))
    assert "No longer listed. Nobody was deactivated." in texts(gone, "Changes in run")[0]
    assert strip(gone)["Missing"] == 1
    back = watched.run_page(watched.sync(*everybody))
    assert "Listed again." in texts(back, "Changes in run")[0]
    assert strip(back)["Back again"] == 1


def test_whoever_is_left_out_or_in_conflict_has_the_reason_and_what_to_do(watched: Watched) -> None:
    with watched.inside() as office:
        office.user("First", "first", "shared@example.com")
        office.user("Second", "shared@example.com")
    run = watched.sync(
        person("1", "Shared", "shared@example.com"), set_aside=(LeftOut("9", "Operator", None, "bot"),)
    )
    assert run.state == "completed_with_warnings"
    listed = "\n".join(texts(watched.run_page(run), "Changes in run"))
    assert "Matches more than one user" in listed
    assert "First" in listed
    assert "Second" in listed
    assert "Correct the users so that only one of them fits." in listed
    assert "Bots are not people" in listed


def test_search_takes_every_sign_literally(watched: Watched) -> None:
    run = watched.sync(
        person("remote-1", "100% Sure", "one@example.com"),
        person("remote-2", "under_score", "two@example.com"),
        person("remote-3", "back\\slash", "three@example.com"),
        person("remote-4", "Plain Person", "plain@example.com"),
    )
    address = f"/c/{watched.slug}/sync-status/runs/{run.id}"
    for q, found in {
        "%": "100% Sure",
        "_": "under_score",
        "\\": "back\\slash",
        " SURE ": "100% Sure",
        "plain@": "Plain Person",
        "remote-4": "Plain Person",
    }.items():
        for kind in ({}, {"kind": "imported"}, {"kind": "nonsense"}):
            (line,) = texts(watched.support.get(address, query_string={"q": q} | kind).text, "Changes in run")
            assert found in line
    nobody = said(watched.support.get(address, query_string={"q": "no%one"}).text)
    assert "No change in this run matches “no%one”." in nobody


def test_attack_24_a_search_no_database_can_hold_finds_nothing(watched: Watched) -> None:
    run = imported(watched, 1)
    for q in ("%00", "a%00b"):
        assert watched.status(path=f"/runs/{run.id}?q={q}").status_code == 400
    for q in ("%ED%A0%80", "x" * 10_000):
        assert "Nothing matches" in said(watched.run_page(run, f"?q={q}"))


def test_changes_come_in_pages_that_keep_the_search(watched: Watched) -> None:
    run = imported(watched, 60)
    first, third = watched.run_page(run), watched.run_page(run, "?page=3&kind=imported&q=person")
    assert len(rows(first, "Changes in run")) == 25
    assert len(rows(third, "Changes in run")) == 10
    assert "kind=imported" in third
    assert "q=person" in third
    assert len(rows(watched.run_page(run, "?per_page=100"), "Changes in run")) == 60
    for nonsense in ("0", "-1", "abc", "9" * 30):
        assert texts(watched.run_page(run, f"?page={nonsense}"), "Changes in run")
    assert "Person 059" in texts(watched.run_page(run, "?page=99"), "Changes in run")[-1]


def test_every_call_is_listed_and_all_of_them_read(watched: Watched) -> None:
    listed = texts(watched.run_page(imported(watched, 1)), "Calls made to")
    assert ["GET /account" in listed[0], "GET /people" in listed[1], len(listed)] == [True, True, 2]
    assert all("200" in line for line in listed)


def test_the_timeline_tells_the_run_in_its_order(watched: Watched) -> None:
    story = said(watched.run_page(imported(watched, 2))).split("Timeline")[1]
    steps = ["Started", "Connection checked", "Teammates fetched", "People matched", "Finished"]
    assert sorted(steps, key=story.index) == steps
    assert "It opens Workspace One." in story


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (Unavailable("Intercom did not answer in time."), "The next scheduled run tries again"),
        (BadResponse("Intercom’s list is not complete."), "The next scheduled run tries again"),
        (AccessDenied("Intercom refused our token."), "must reconnect to resume"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failed_run_says_what_happened_what_did_not_and_what_to_do(
    watched: Watched, error: ConnectorError, advice: str
) -> None:
    imported(watched, 2)
    watched.office.platform.error = error
    page = said(watched.run_page(watched.sync()))
    for text in ("This run failed", str(error), advice, "Nobody was changed", "Found –", "Imported –"):
        assert text in page


def test_a_mistake_of_ours_is_told_without_its_details(watched: Watched) -> None:
    watched.office.platform.error = RuntimeError("a detail of our code")
    with watched.inside() as office:
        run = office.request()
        with pytest.raises(RuntimeError):
            office.work(run)
        run = office.run(run.id)
    page = watched.run_page(run)
    assert f"the reference RUN-{run.id}-1" in said(page)
    assert "a detail of our code" not in page
    assert "Traceback" not in page


def test_a_run_that_goes_on_is_polled_and_read_anew_at_its_end(watched: Watched) -> None:
    with watched.inside() as office:
        run = office.request()
    page = watched.run_page(run)
    assert "Waiting for a worker" in said(page)
    going = watched.status(path=f"/runs/{run.id}/panel")
    assert "X-Poll" not in going.headers
    watched.office.platform.people_there = [person("1", email="ada@example.com")]
    with watched.inside() as office:
        office.work(run)
    ended = watched.status(path=f"/runs/{run.id}/panel")
    assert (ended.headers["X-Poll"], ended.headers["X-Poll-Reload"]) == ("stop", "1")


def test_progress_says_how_many_of_how_many(watched: Watched) -> None:
    with watched.inside() as office, write_transaction() as session:
        run = SyncRun(
            contract_id=office.contract_id,
            integration_id=office.integration_id,
            trigger="manual",
            state="running",
            stage="apply",
            done=388,
            total=604,
            found=604,
            started_at=utcnow(),
            lease_expires_at=utcnow() + timedelta(minutes=1),
        )
        session.add(run)
        session.flush()
    page = said(watched.status(path=f"/runs/{run.id}").text)
    assert "388 of 604" in page
    assert "Import and rename" in page


def test_support_staff_read_a_run_and_find_nothing_to_press_but_its_files(watched: Watched) -> None:
    everybody = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(20)]
    watched.sync(*everybody)
    held = watched.sync(*everybody[:5])
    assert held.state == "held"
    page = watched.run_page(held)
    assert forms(page) == [f"/c/{watched.slug}/sync-status/runs/{held.id}/export"]
    assert "Someone with the permission Manage Integrations decides" in said(page)
    assert "15 of 20 teammates are gone (75%; the limit is 20%)" in said(page)
    assert "Person 19" in said(page)
    assert len(forms(watched.run_page(held, actor=watched.admin))) == 4
    with watched.inside() as office:
        live = office.request()
    assert forms(watched.run_page(live)) == []
    assert len(forms(watched.run_page(live, actor=watched.admin))) == 1


def test_who_decided_about_a_held_run_stays_on_its_page(watched: Watched) -> None:
    everybody = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(20)]
    watched.sync(*everybody)
    held = watched.sync(*everybody[:5])
    watched.admin.post(f"/c/{watched.slug}/integrations/platforms/intercom/user-sync/runs/{held.id}/reject")
    page = said(watched.run_page(held))
    assert "Rejected by Person" in page
    assert "Nothing was applied" in page


def test_attack_24_a_run_that_cannot_be_is_not_found(watched: Watched) -> None:
    for run_id in ("0", "-1", str(10**30), str(2**63), "..%2f", "1.5", "x" * 10_000):
        for tail in ("", "/panel"):
            assert watched.status(path=f"/runs/{run_id}{tail}").status_code == 404
    assert watched.status(path="/runs/%00").status_code == 400


def test_a_run_of_another_contract_is_like_one_that_never_was(watched: Watched) -> None:
    run = imported(watched, 1)
    stranger = make_actor(watched.app, make_contract(watched.app, "other"), "administrator")
    never = stranger.get(f"/c/other/sync-status/runs/{run.id + 1000}")
    for tail in ("", "/panel"):
        answer = stranger.get(f"/c/other/sync-status/runs/{run.id}{tail}")
        assert answer.status_code == 404
        assert "Person 000" not in answer.text
        assert stranger.get(f"/c/{watched.slug}/sync-status/runs/{run.id}{tail}").status_code == 404
    assert never.status_code == 404
    decide = f"/c/other/integrations/platforms/intercom/user-sync/runs/{run.id}/cancel"
    assert stranger.post(decide).status_code == 404


def test_attack_28_what_a_platform_sends_is_shown_as_text(watched: Watched) -> None:
    names = ['"><script>x</script>{{7*7}}', "</script><b>bold", "\u202egnp.exe", "Zoë 👩‍🚀"]
    run = watched.sync(*(person(f"<i>{n}</i>", name, f"p{n}@example.com") for n, name in enumerate(names)))
    page = watched.run_page(run)
    assert "<script>x" not in page
    assert "<b>bold" not in page
    assert "<i>0" not in page
    assert "{{7*7}}" in page
    listed = texts(page, "Changes in run")
    assert all(any(name in line for line in listed) for name in names[:2] + names[3:])


def test_a_preview_is_said_to_be_one(watched: Watched) -> None:
    imported(watched, 1)
    watched.office.platform.people_there = [person("1", "Someone New", "new@example.com")]
    watched.admin.post(f"/c/{watched.slug}/integrations/platforms/intercom/user-sync/preview")
    with watched.inside() as office:
        preview = db.session.scalars(sa.select(SyncRun).where(SyncRun.preview)).one()
        db.session.rollback()
        office.work(preview)
    page = said(watched.run_page(preview))
    assert "Nothing was saved: this is a preview" in page
    assert "Someone New" in page


def test_b1_a_run_that_waits_says_what_for_and_when_it_is_tried_again(watched: Watched) -> None:
    with watched.inside() as office:
        run = office.request()
        with write_transaction() as session:
            session.execute(
                sa.update(SyncRun)
                .where(SyncRun.id == run.id)
                .values(
                    waits_for="The database’s disk is full.", not_before=utcnow() + timedelta(seconds=170)
                )
            )
    panel = watched.status(path=f"/runs/{run.id}/panel").text
    for text in (said(watched.run_page(run)), said(f"<main>{panel}</main>")):
        assert "The database’s disk is full." in text
        assert "It is tried again by itself in 3 min" in text
    address = f"/c/{watched.slug}/integrations/platforms/intercom/user-sync"
    assert "The database’s disk is full." in said(watched.admin.get(address).text)
