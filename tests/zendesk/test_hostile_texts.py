"""Texts of Zendesk that could hide something, break a page or stop a job: stored and shown as what they are."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.stored import wrong_texts
from tests.zendesk.conftest import PAGE, Desk
from webapp.core.models import Person, Question, db
from webapp.jobs import functions

HOSTILE = {
    "name": "\u202eanA\x1b[31m \0Lopes",
    "alias": "x\0y",
    "external_id": "9\x07\u2066",
    "user_fields": {
        "de\0pt": "a\0b",
        "\x1b[2J": "c",
        "\u202egnp": "d\u2066",
        "\u200f": "e",
        "": "f",
        "n" * 101: "g",
        "desk": "h",
        "\0desk": "i",
        "nested": {"a": "\0"},
    },
}
SHOWN = {
    "user_fields.de pt": "a b",
    "user_fields. [2J": "c",
    "user_fields.gnp": "d",
    "user_fields.desk": "h",
    "user_fields. desk": "i",
}


def test_A15_names_and_values_of_fields_are_cleaned_like_every_other_text(desk: Desk) -> None:
    users = desk.zendesk.control("GET", "kestrel/users")["users"]  # type: ignore[index]
    desk.zendesk.control("PATCH", f"kestrel/users/{users[100]['id']}", HOSTILE)
    desk.connect()
    run = desk.enable()
    assert run.state == "completed", run.message
    with desk.app.app_context():
        person = db.session.scalars(sa.select(Person).where(Person.remote_id == str(users[100]["id"]))).one()
        columns = person.attributes["columns"]
    assert person.name == "anA [31m Lopes"
    assert {name: text for name, text in columns.items() if name.startswith("user_fields.")} == SHOWN
    assert (columns["alias"], columns["external_id"]) == ("x y", "9")

    desk.admin.post(f"{PAGE}/why", {"q": "lopes"})
    with desk.app.app_context():
        question_id = db.session.scalars(sa.select(Question.id)).one()
        db.session.rollback()
        functions.answer(question_id)
        functions.find_doubles()
    pages = [
        desk.admin.get(path).text
        for path in (f"{PAGE}/user-sync", f"{PAGE}/why/{question_id}", "/c/acme/users?status=pending&q=lopes")
    ]
    assert all("anA [31m Lopes" in page for page in pages[1:])
    assert "user_fields.gnp" in pages[0]
    assert not [char for page in pages for char in "\0\x1b\x07\u202e\u2066\u200f" if char in page]
    assert wrong_texts(desk.app) == []


@pytest.mark.parametrize("wrong", [{"id": 10**400}, {"id": 2**63}, {"custom_role_id": 10**30}], ids=str)
def test_A15_a_number_that_no_database_holds_stops_the_run_in_words(
    desk: Desk, wrong: dict[str, int]
) -> None:
    desk.connect()
    users = desk.zendesk.control("GET", "kestrel/users")["users"]  # type: ignore[index]
    desk.zendesk.control("PUT", "kestrel/users", {"users": [*users[:3], users[4] | wrong]})
    run = desk.enable()
    assert (run.state, run.imported) == ("failed", 0)
    assert "an entry that is not in its documented form" in (run.message or "")


def test_A15_an_email_that_no_column_holds_is_left_out_with_whoever_is_left_out(desk: Desk) -> None:
    desk.connect()
    users = desk.zendesk.control("GET", "kestrel/users")["users"]  # type: ignore[index]
    gone = {"role": "end-user", "email": "e" * 300 + "@example.com", "name": "n" * 300}
    desk.zendesk.control("PATCH", f"kestrel/users/{users[100]['id']}", gone)
    assert desk.enable().state == "completed"
    assert wrong_texts(desk.app) == []
