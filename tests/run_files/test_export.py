"""A run's lines as files: all of them or those of the page's filters, sent while they are read."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from tests.actors import make_actor, make_contract
from tests.sync.office import statements
from tests.sync.people import person
from tests.sync_status.conftest import Watched
from webapp.core.models import AuditEvent, SyncRun, db
from webapp.core.spreadsheets.cells import restored
from webapp.core.spreadsheets.table import as_csv
from webapp.integrations.runs import export
from webapp.integrations.runs.changes import Filters
from webapp.platforms.base import LeftOut
from webapp.platforms.registry import PLATFORMS
from webapp.web.exports import beside, send


def asked(watched: Watched, run: SyncRun, form: str, **filters: str) -> TestResponse:
    path = f"/c/{watched.slug}/sync-status/runs/{run.id}/export"
    answer = watched.support.post(path, {"form": form, **filters})
    assert answer.status_code == 200, answer.text
    return answer


def lines(answer: TestResponse) -> list[dict[str, str]]:
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


@pytest.fixture
def run(watched: Watched) -> SyncRun:
    with watched.inside() as office:
        office.user("=1+1", "ada@example.com")
    return watched.sync(
        person("1", "Ada Lovelace", "ada@example.com"),
        person("2", '=HYPERLINK("http://evil.example")', "grace@example.com"),
        person("3", "Zuzana Černá", "zuzana@example.com"),
        person("4", "Dan One", "twice@example.com"),
        person("5", "Dan Two", "twice@example.com"),
        set_aside=(LeftOut("9", "Operator", None, "bot"),),
    )


def test_csv_has_every_line_with_reason_before_after_and_what_to_do(watched: Watched, run: SyncRun) -> None:
    answer = asked(watched, run, "csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="{watched.slug}-intercom-run-{run.id}.csv"'
    )
    rows = {row["Intercom ID"]: row for row in lines(answer)}
    assert set(rows) == {"1", "2", "3", "4", "5", "9"}
    assert (rows["1"]["Before"], rows["1"]["After"]) == ("'=1+1", "Ada Lovelace")
    assert rows["2"]["Person"] == '\'=HYPERLINK("http://evil.example")'
    assert rows["3"]["Person"] == "Zuzana Černá"
    assert rows["4"]["Reason"] == "same_value"
    assert rows["4"]["What to do"] == "Correct one of the two there."
    assert rows["9"]["What happened"] == "Bots are not people"


def test_A7_excel_has_the_same_lines_as_csv_as_text(watched: Watched, run: SyncRun) -> None:
    answer = asked(watched, run, "xlsx", kind="imported")
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="{watched.slug}-intercom-run-{run.id}-part.xlsx"'
    )
    (sheet,) = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets
    head, *rows = sheet.iter_rows(values_only=True)
    expected = lines(asked(watched, run, "csv", kind="imported"))
    assert [dict(zip(head, (cell or "" for cell in row), strict=True)) for row in rows] == [
        {name: restored(cell) for name, cell in line.items()} for line in expected
    ]
    with watched.inside():
        events = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "user_sync.exported"))
        assert [event.details["as"] for event in events.all()] == ["Excel", "CSV"]


def test_json_has_the_counters_and_the_same_lines(watched: Watched, run: SyncRun) -> None:
    answer = asked(watched, run, "json")
    assert answer.headers["Content-Disposition"].endswith('.json"')
    told = json.loads(answer.text)
    assert told["version"] == 1
    assert told["run"]["counters"]["found"] == 6
    assert told["run"]["counters"]["imported"] == 2
    assert told["run"]["state"] == run.state
    assert [change["remote_id"] for change in told["changes"]] == ["1", "2", "3", "4", "5", "9"]
    assert told["changes"][0]["before"] == "=1+1"
    assert told["filters"] == {"kind": None, "reason": None, "q": None}


def test_the_pages_filters_apply(watched: Watched, run: SyncRun) -> None:
    assert [row["Person"] for row in lines(asked(watched, run, "csv", kind="conflict"))] == [
        "Dan One",
        "Dan Two",
    ]
    assert [row["Person"] for row in lines(asked(watched, run, "csv", reason="bot"))] == ["Operator"]
    assert [row["Person"] for row in lines(asked(watched, run, "csv", q="zuzana"))] == ["Zuzana Černá"]
    answer = asked(watched, run, "json", kind="imported", q="zuzana")
    assert "-part.json" in answer.headers["Content-Disposition"]
    assert json.loads(answer.text)["filters"] == {"kind": "imported", "reason": None, "q": "zuzana"}
    assert json.loads(asked(watched, run, "json", q="nobody at all").text)["changes"] == []


def test_an_export_is_in_the_audit_log(watched: Watched, run: SyncRun) -> None:
    asked(watched, run, "csv", kind="conflict")
    with watched.inside():
        event = db.session.scalars(
            sa.select(AuditEvent).where(AuditEvent.action == "user_sync.exported")
        ).one()
        assert event.details == {"run": run.id, "as": "CSV", "kind": "conflict"}


def test_a_long_run_is_read_a_part_at_a_time(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 7)
    run = watched.sync(*(person(f"{n:03}", f"P {n}", f"p{n}@example.com") for n in range(40)))
    with watched.inside() as office:
        made = export.Export(office.run(run.id), PLATFORMS["intercom"], "c", Filters())
        with statements(office.engine) as seen:
            parts = as_csv(made.table(office.engine))
            next(parts)
            next(parts)
            assert len([one for one in seen if "sync_changes" in one]) == 1
            rest = list(parts)
        assert len(rest) == 5
    assert len(lines(asked(watched, run, "csv"))) == 40
    assert len(json.loads(asked(watched, run, "json").text)["changes"]) == 40


def test_a_long_run_is_made_beside_the_web_with_the_same_lines(
    watched: Watched, run: SyncRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "SHORT", 6)
    with monkeypatch.context() as nowhere:
        nowhere.setattr(beside.places, "most", 0)
        short = {form: asked(watched, run, form).data for form in ("csv", "json")}
    monkeypatch.setattr(send, "SHORT", 5)
    monkeypatch.setattr(export, "worded", lambda *_: pytest.fail("a line was read here"))
    assert {form: asked(watched, run, form).data for form in ("csv", "json")} == short
    (sheet,) = openpyxl.load_workbook(io.BytesIO(asked(watched, run, "xlsx").data)).worksheets
    assert sheet.max_row == 7


def test_another_form_and_another_contracts_run_are_refused(watched: Watched, run: SyncRun) -> None:
    path = f"/c/{watched.slug}/sync-status/runs/{run.id}/export"
    assert watched.support.post(path, {"form": "exe"}).status_code == 400
    assert watched.support.get(path).status_code == 405
    stranger = make_actor(watched.app, make_contract(watched.app, "elsewhere"), "administrator")
    assert stranger.post(f"/c/elsewhere/sync-status/runs/{run.id}/export", {"form": "csv"}).status_code == 404


def test_the_page_filters_by_reason_and_says_where_it_is(watched: Watched, run: SyncRun) -> None:
    page = watched.run_page(run, "?reason=bot")
    assert "Operator" in page
    assert "Dan One" not in page
    assert f"http://127.0.0.1/c/{watched.slug}/sync-status/runs/{run.id}" in page
    assert "2 calls, all GET, which only reads" in page
    assert "Zuzana" in watched.run_page(run, "?reason=there-is-none-such")
