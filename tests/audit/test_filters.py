"""Finding entries by what was done, to what and when; the same as a file; and what that costs in a long log."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_contract
from tests.audit.test_page import contract_id, reader, shown
from tests.users.world import query_plans, statements
from webapp.administration.audit import export, queries
from webapp.core.audit import log as audit_log
from webapp.core.database import write_connection
from webapp.core.models import AuditEvent, db, table_of
from webapp.core.spreadsheets.cells import restored
from webapp.web.exports import beside, send

__all__ = ["contract_id", "reader"]
HIGH_SUMMER = datetime(2025, 7, 1, 22, 30, tzinfo=UTC)  # 23:30 in London


def fill(app: Flask, contract_id: int, *rows: dict[str, object]) -> None:
    plain = {
        "contract_id": contract_id,
        "actor": "Ana",
        "action": "integration.connected",
        "at": HIGH_SUMMER,
        "target_type": None,
        "details": None,
    }
    with app.app_context(), write_connection() as connection:
        connection.execute(sa.insert(table_of(AuditEvent)), [plain | row for row in rows])


FOUND = [
    ("", ["run", "late", "early", "many", "one"]),
    ("action=users.", ["many", "one"]),
    ("action=users.activated", ["one"]),
    ("action=nothing.", []),
    ("type=user", ["one"]),
    ("type=run&actor=Marek", ["run"]),
    ("type=run&actor=Ana", []),
    ("from=2025-07-02", ["run", "late"]),  # 23:30 UTC is the next day in London
    ("to=2025-07-01", ["early", "many", "one"]),
    ("from=2025-07-02&to=2025-07-02", ["late"]),
    ("from=2025-07-03&to=2025-07-01", []),
    ("from=2025-07-02&action=integration.&actor=Ana&q=LATE&type=", ["late"]),
    ("from=yesterday&to=2025-13-45", ["run", "late", "early", "many", "one"]),
    ("from=0001-01-01&to=9999-12-31", ["run", "late", "early", "many", "one"]),
]


def test_entries_are_found_by_what_to_what_and_when_together(
    app: Flask, contract_id: int, reader: Actor
) -> None:
    fill(
        app,
        contract_id,
        {"target": "run", "actor": "Marek", "at": HIGH_SUMMER + timedelta(days=2), "target_type": "run"},
        {"target": "early"},
        {"target": "late", "at": HIGH_SUMMER + timedelta(hours=1)},
        {"target": "one", "action": "users.activated", "target_type": "user", "at": HIGH_SUMMER - timedelta(days=9)},
        {"target": "many", "action": "users.deactivated", "at": HIGH_SUMMER - timedelta(days=8)},
    )  # fmt: skip
    for query, targets in FOUND:
        assert [line.rpartition(" ")[2] for line in shown(reader, query)] == targets, query
    page = reader.get("/c/acme/audit?type=run&from=2025-07-02").text
    assert '<option value="run" selected>A run</option>' in page
    assert 'type="date" id="find-from" name="from" value="2025-07-02"' in page
    assert '<option value="users.">Users: everything</option>' in page
    assert '<input type="hidden" name="type" value="run">' in page  # the export takes what is found


def test_a_choice_says_what_was_done_and_stays_chosen_when_nothing_fits_it(
    app: Flask, contract_id: int, reader: Actor
) -> None:
    for action in ("contract.settings_changed", "user_sync.enabled", "user_sync.not_begun"):
        fill(app, contract_id, {"target": "x", "action": action})
    page = reader.get(
        "/c/acme/audit?action=role.&actor=Nora+Lind&type=team&from=2025-07-03&to=2025-07-01"
    ).text
    for option in (
        '<option value="contract.settings_changed">Contract: changed the settings</option>',
        '<option value="user_sync.enabled">User sync: enabled User sync</option>',
        '<option value="user_sync.not_begun">User sync: did not begin what was asked for</option>',
        '<option value="role." selected>Roles: everything</option>',
        '<option value="Nora Lind" selected>Nora Lind</option>',
        '<option value="team" selected>A team</option>',
    ):
        assert option in page
    assert "The first day is after the last one." in page


def test_the_file_holds_what_is_found_and_is_itself_in_the_log(
    app: Flask, contract_id: int, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 3)
    fill(app, make_contract(app, "bolt"), {"target": "theirs"})
    fill(app, contract_id, *({"target": f"same moment {n}"} for n in range(8)))
    fill(
        app,
        contract_id,
        {
            "target": "=HYPERLINK(1)",
            "actor": "@sum",
            "action": "users.activated",
            "target_type": "users",
            "at": HIGH_SUMMER + timedelta(seconds=1),
            "details": {
                "team": audit_log.changed(None, "Leeds"),
                "roles": ["Agent", "x"],
                audit_log.IDS: "4-7",
            },
        },
    )
    answer = reader.post("/c/acme/audit/export")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-audit-log.csv"'
    head, first, *rest = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert tuple(head) == export.HEAD
    assert first == [
        "2025-07-01 23:30:01+01:00",
        "2025-07-01T22:30:01Z",
        "'@sum",
        "Activated",
        "'=HYPERLINK(1)",
        "Several users",
        "Team: blank → Leeds; Roles: Agent, x",
        "4-7",
        "",
        "",
        "users.activated",
    ]
    assert [row[4] for row in rest] == [f"same moment {n}" for n in reversed(range(8))]
    book = reader.post("/c/acme/audit/export", {"form": "xlsx", "action": "users.activated"})
    (sheet,) = openpyxl.load_workbook(io.BytesIO(book.data)).worksheets
    found = [[cell.value or "" for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert found == [[restored(cell) for cell in first]]
    part = reader.post("/c/acme/audit/export", {"action": "users.", "from": "2025-07-01", "contract_id": "2"})
    assert part.headers["Content-Disposition"].endswith('"acme-audit-log-part.csv"')
    assert len(part.text.splitlines()) == 2
    assert shown(reader)[:3] == ["Exported the audit log of Contract acme"] * 3
    with app.app_context():
        noted = db.session.scalars(
            sa.select(AuditEvent.details).where(AuditEvent.action == "audit.exported").order_by(AuditEvent.id)
        ).all()
    assert noted == [
        {"as": "CSV"},
        {"as": "Excel", "action": "Users: activated"},
        {"as": "CSV", "action": "Users: everything", "from": "2025-07-01"},
    ]


def test_a_long_log_is_made_beside_the_web_with_the_same_entries(
    app: Flask, contract_id: int, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(app, make_contract(app, "bolt"), {"target": "theirs"})
    fill(app, contract_id, *({"target": f"number {n}", "action": "team.renamed"} for n in range(4)))
    asked = {"action": "team.renamed"}
    short = reader.post("/c/acme/audit/export", asked).data
    monkeypatch.setattr(send, "SHORT", 3)
    monkeypatch.setattr(export, "details_of", lambda *_: pytest.fail("an entry was read here"))
    long = reader.post("/c/acme/audit/export", asked)
    assert long.data == short
    assert long.data.count(b"\r\n") == 5
    monkeypatch.setattr(beside.places, "most", 0)
    assert reader.post("/c/acme/audit/export", asked).status_code == 503
    with app.app_context():
        noted = sa.select(sa.func.count(AuditEvent.id)).where(AuditEvent.action == "audit.exported")
        assert db.session.scalar(noted) == 2


def test_pages_lead_through_the_newest_and_say_that_there_are_older_ones(
    app: Flask, contract_id: int, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST", 50)
    fill(app, contract_id, *({"target": f"number{n:02}"} for n in range(51)))
    page = reader.get("/c/acme/audit?page=9").text
    assert "Showing 26–50 of 50 newest entries" in page
    assert "There are older ones." in page
    assert shown(reader, "page=9")[-1] == "Connected number01"
    assert "There are older ones." not in reader.get("/c/acme/audit?q=number0").text


def test_a_long_log_costs_as_many_statements_as_a_short_one(
    app: Flask, contract_id: int, reader: Actor
) -> None:
    fill(app, contract_id, {"target": "x"})
    reader.get("/c/acme/audit")  # the first page also notes when they were here
    counts = []
    for _ in range(2):
        with statements(app) as sent:
            assert reader.get("/c/acme/audit?per_page=100&action=users.").status_code == 200
        counts.append(len(sent))
        fill(app, contract_id, *({"target": f"{n}", "actor": f"Person {n % 40}"} for n in range(2_000)))
    assert counts[0] == counts[1]


class TestPlans:
    """How SQLite reads it: that does not depend on how many rows there are, as Postgres' plans do."""

    @pytest.fixture
    def database_url(self, sqlite_url: str) -> str:
        return sqlite_url

    @pytest.mark.parametrize(
        ("query", "index"),
        [
            ("", "by_time"),
            ("actor=Ana", "by_actor"),
            ("action=users.activated", "by_action"),
            ("type=user", "by_kind"),
            ("from=2025-07-01&to=2025-07-02", "by_time"),
            ("actor=Ana&from=2025-07-01", "by_actor"),
        ],
    )
    def test_each_filter_is_read_from_its_index_in_its_order(
        self, app: Flask, contract_id: int, reader: Actor, query: str, index: str
    ) -> None:
        plans = query_plans(app, lambda: reader.get(f"/c/acme/audit?{query}"))
        on_log = [plan for plan in plans if "audit_events" in plan]
        assert len(on_log) == 5  # how many, the page, and the choices of three filters
        for plan in on_log:
            assert "SCAN audit_events" not in plan
            assert "ORDER BY" not in plan
        assert sum(f"USING INDEX ix_audit_events_{index} " in plan for plan in on_log) == 1
        assert sum(f"USING COVERING INDEX ix_audit_events_{index} " in plan for plan in on_log) >= 1
