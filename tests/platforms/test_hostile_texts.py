"""Texts of Intercom that could hide something, break a page or stop a job: stored and shown as what they are."""

from __future__ import annotations

import sqlalchemy as sa

from tests.platforms.conftest import PAGE, Desk
from tests.stored import wrong_texts
from webapp.core.models import Person, Question, db
from webapp.jobs import functions

HOSTILE = {
    "name": "\u202eanA\x1b[31m \0Lopes",
    "job_title": "boss\0\x1b",
    "de\0pt": "a\0b",
    "\x1b[2J": "c",
    "\u202egnp": "d\u2066",
    "\u200f": "e",
    "\u200etype": "f",
    "role": {"name": "\u202erole\0"},
}
SHOWN = {
    "name": "anA [31m Lopes",
    "job_title": "boss",
    "de pt": "a b",
    "[2J": "c",
    "gnp": "d",
    "role.name": "role",
}


def test_A15_names_and_values_of_fields_are_cleaned_like_every_other_text(desk: Desk) -> None:
    admins = desk.intercom.control("GET", "admins")["admins"]  # type: ignore[index]
    one = next(admin for admin in admins if admin["type"] == "admin")
    desk.intercom.control("PATCH", f"admins/{one['id']}", HOSTILE)
    desk.intercom.control("PATCH", "workspace", {"name": "Acme\u202e\0 Ltd\x1b"})
    desk.connect()
    desk.admin.post(f"{PAGE}/user-sync/enable")
    run = desk.work()
    assert run.state == "completed", run.message
    with desk.app.app_context():
        person = db.session.scalars(sa.select(Person).where(Person.remote_id == str(one["id"]))).one()
        columns = person.attributes["columns"]
    assert {name: columns.get(name) for name in SHOWN} == SHOWN
    assert "type" not in columns
    desk.admin.post(f"{PAGE}/why", {"q": "lopes"})
    with desk.app.app_context():
        question_id = db.session.scalars(sa.select(Question.id)).one()
        db.session.rollback()
        functions.answer(question_id)
        functions.find_doubles()
    pages = [
        desk.admin.get(path).text
        for path in (
            PAGE,
            f"{PAGE}/user-sync",
            f"{PAGE}/why/{question_id}",
            "/c/acme/users?status=pending&q=lopes",
        )
    ]
    assert "Acme Ltd" in pages[0]
    assert not [char for page in pages for char in "\0\x1b\x07\u202e\u2066\u200f\u200e" if char in page]
    assert wrong_texts(desk.app) == []
