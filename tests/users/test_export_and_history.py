"""A list of users as a file, and what one user's history says."""

from __future__ import annotations

import csv
import io
import sys

import openpyxl
import pytest
import sqlalchemy as sa

from tests.actors import Actor
from tests.users.pages import open_page
from tests.users.test_activation import as_agents, everybody
from tests.users.test_deactivation import confirmed, ticked
from tests.users.world import World
from webapp.core.models import User
from webapp.core.spreadsheets.cells import restored
from webapp.people.users.export import HEAD
from webapp.web.exports import beside, send
from webapp.web.exports.send import EXCEL, FORMS


def exported(actor: Actor, world: World, query: str) -> tuple[list[dict[str, str]], str]:
    """The rows of the file that the button of that list leads to, read back as documented; and its name."""
    page = open_page(actor, f"{world.url}?{query}")
    form = page.form("/users/export")
    answer = actor.post(f"/c/{world.slug}/users/export", {"list": form.values["list"][0]})
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), strict=True))
    assert tuple(rows[0]) == HEAD
    plain = [dict(zip(HEAD, (restored(cell) for cell in row), strict=True)) for row in rows[1:]]
    return plain, answer.headers["Content-Disposition"]


def test_the_file_holds_whom_the_list_matches_in_its_order_and_no_formula(
    world: World, manager: Actor
) -> None:
    names = ["=1+1", "'=quoted", "@SUM(A1)", "Zoë, “Zed”"]
    ids = world.add(*names, email=False)
    world.add("Anna Kim", status="active")
    world.add("Bartek Nowak")

    rows, name = exported(manager, world, "status=pending&sort=-name")
    assert [row["Name"] for row in rows] == ["Zoë, “Zed”", "Bartek Nowak", "@SUM(A1)", "=1+1", "'=quoted"]
    assert {row["Platforms"] for row in rows} == {"Intercom"}
    assert "acme-users-pending.csv" in name
    raw = manager.post(f"/c/{world.slug}/users/export", {"list": "status=pending"}).text
    assert "'=1+1" in raw
    assert "''=quoted" in raw

    rows, name = exported(manager, world, "status=pending&q=zed")
    assert [row["Third-party ID"] for row in rows] == [str(70_000 + ids[3])]
    assert "-part" in name
    event = world.audit("users.exported")[-1]
    assert event.details == {"people": 1, "as": "CSV", "status": "pending", "search": "zed"}


def test_A7_excel_has_the_same_rows_as_csv_as_text_and_the_log_says_which(
    world: World, manager: Actor
) -> None:
    world.add("=1+1", "x;=cmd;y", "Zoë, “Zed”", email=False)
    rows, _ = exported(manager, world, "status=pending&sort=-name")
    page = open_page(manager, f"{world.url}?status=pending&sort=-name")
    asked = {"list": page.form("/users/export").values["list"][0], "form": "xlsx"}
    answer = manager.post(f"/c/{world.slug}/users/export", asked)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-users-pending.xlsx"'
    assert answer.content_type == EXCEL
    (sheet,) = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets
    head, *lines = sheet.iter_rows(values_only=True)
    assert head == HEAD
    assert [dict(zip(HEAD, (cell or "" for cell in line), strict=True)) for line in lines] == rows
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} <= {"s", "inlineStr"}
    said = [event.details for event in world.audit("users.exported")]
    assert said == [{"people": 3, "as": form, "status": "pending"} for form in ("CSV", "Excel")]
    asked["form"] = "exe"
    assert manager.post(f"/c/{world.slug}/users/export", asked).status_code == 400


def test_roles_teams_and_access_are_in_the_file_of_many(world: World, manager: Actor) -> None:
    world.set_licences(2_000)
    ids = world.add_many(1_001, "active")
    world.give(ids[-1:], role="agent", team="Billing", access="Leeds")
    rows, _ = exported(manager, world, "status=active&q=Person&sort=-name")
    assert len(rows) >= 1_001
    assert len({row["Username"] for row in rows}) == len(rows)
    (last,) = [row for row in rows if row["Third-party ID"] == str(ids[-1])]
    assert (last["Roles"], last["Team"], last["Reporting access"]) == (
        "Agent", "Leeds › Phone › Billing", "Leeds",
    )  # fmt: skip


def test_a_users_page_says_who_changed_them_alone_or_among_many(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    as_agents(everybody(manager, world), world)
    open_page(manager, f"{world.url}/{anna}/edit").form("/edit").fill(name="Anna Lund").send("Save")
    confirmed(ticked(manager, world, [anna]))

    page = open_page(manager, f"{world.url}/{anna}").root.one("section", id="history")
    for words in (
        "Deactivated", "Changed from Anna Kim→to Anna Lund", "Activated, with one other", "Roles: Agent",
    ):  # fmt: skip
        assert words in page.text
    assert "Bartek" not in page.text
    other = open_page(manager, f"{world.url}/{bartek}").root.one("section", id="history").text
    assert "Activated, with one other" in other
    assert "Deactivated" not in other


def test_a_long_history_is_paged_and_each_line_is_there_once(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim")
    for number in range(13):
        form = open_page(manager, f"{world.url}/{anna}/edit").form("/edit")
        form.fill(third_party_id=f"N-{number}").send("Save")
    page = open_page(manager, f"{world.url}/{anna}")
    (link,) = [one for one in page.root.all("a") if one.text == "All 13 changes by people"]
    whole = open_page(manager, link.attrs["href"])
    assert whole.text.count("Changed the user") == 13
    assert "Showing 1–13 of 13 changes" in whole.text
    assert "No sync has changed this user." in open_page(manager, f"{link.attrs['href']}?by=sync").text
    assert world.scalar(sa.select(User.third_party_id).where(User.id == anna)) == "N-12"


def test_a_long_list_is_made_beside_the_web_with_the_same_rows(
    world: World, manager: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both forms of file; what goes into the log is the same too, and this process reads no row of it."""
    world.add("=1+1", "Anna Kim", "Zoë, “Zed”")
    path, asked = f"/c/{world.slug}/users/export", {"list": "status=pending&sort=-name"}
    short = [manager.post(path, asked | {"form": form}) for form in FORMS]
    assert all(answer.data for answer in short)  # read to their ends
    monkeypatch.setattr(send, "SHORT", 2)
    monkeypatch.setattr("webapp.people.users.export.rows_of", lambda *_: pytest.fail("a row was read here"))
    long = [manager.post(path, asked | {"form": form}) for form in FORMS]
    assert [dict(one.headers)["Content-Disposition"] for one in long] == [
        one.headers["Content-Disposition"] for one in short
    ]
    assert long[0].data == short[0].data
    assert long[0].data.count(b"\r\n") == 4
    ours, theirs = (openpyxl.load_workbook(io.BytesIO(found[1].data)).active for found in (short, long))
    assert list(theirs.iter_rows(values_only=True)) == list(ours.iter_rows(values_only=True))
    said = [event.details for event in world.audit("users.exported")]
    assert said == [{"people": 3, "as": form, "status": "pending"} for form in ("CSV", "Excel")] * 2


def test_when_too_many_long_files_are_being_made_the_next_is_asked_to_come_again(
    world: World, manager: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("Anna Kim", "Bartek Nowak")
    monkeypatch.setattr(send, "SHORT", 1)
    monkeypatch.setattr(beside.places, "most", 0)
    answer = manager.post(f"/c/{world.slug}/users/export", {"list": "status=pending", "form": "xlsx"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "Other long files are being made" in answer.text
    assert "Content-Disposition" not in answer.headers
    assert world.audit("users.exported") == []
    monkeypatch.setattr(send, "SHORT", 2)
    assert manager.post(f"/c/{world.slug}/users/export", {"list": "status=pending"}).status_code == 200


def test_a_long_file_that_cannot_be_made_is_an_error_page_and_no_export(
    world: World, manager: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("Anna Kim", "Bartek Nowak")
    monkeypatch.setattr(send, "SHORT", 1)
    monkeypatch.setattr(beside, "COMMAND", (sys.executable, "-c", "import sys; sys.exit(1)"))
    answer = manager.post(f"/c/{world.slug}/users/export", {"list": "status=pending", "form": "xlsx"})
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert world.audit("users.exported") == []
