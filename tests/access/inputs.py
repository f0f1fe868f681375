"""Every field and parameter that the product reads, found by watching it read; and what nobody would send in them."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from flask import Request
from sqlalchemy.engine import make_url
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse
from werkzeug.utils import cached_property

from tests.access.table import FORMS
from tests.access.test_walk import EXPECTED, address
from tests.access.world import World
from webapp.core.models import db

# What nobody would send, by what it tries. Bytes are sent as they are, which is not always UTF-8.
EVIL: dict[str, bytes] = {
    name: value if isinstance(value, bytes) else value.encode()
    for name, value in {
        "5,000 digits": "9" * 5_000,
        "more than a database holds": str(2**63),
        "-1": "-1",
        "1e400": "1e400",
        "a raised digit": "²",
        "NUL": "a\0b",
        "control characters": "\x1b[31m\x07\x85\r\nBcc: b@example.com\u2028c",
        "marks of direction": "\u202eabc\u2066\u200f\u200b\u2060",
        "nothing": "",
        "half a character": b"\xed\xa0\x80x\xff\xfe",
        "100,000 characters": "x" * 100_000,
        "packed": "zzzzzzzzzzzzz.1.1",
        "spaces": " \t\u00a0\u3000",
        "marks without end": "a" + "\u0315\u0300" * 2_000,
        "a character that is eighteen": "\ufdfa" * 255,
        "pictures": "👩\u200d👩\u200d👧🎉",
        "signs": "'; DROP TABLE users;--%ff%00%_\\*?[{{7*7}}%(x)s{0}__proto__",
        "a day that is none": "9999-99-99",
        "the last day": "9999-12-31",
        "another site": "//evil.example/\\",
    }.items()
}
# Sent in one field of a form that else is as its page sends it; all of them are sent in every field at once.
ONE_BY_ONE = ("5,000 digits", "more than a database holds", "a raised digit", "marks of direction")
OF_POSTGRES = ("more than a database holds", "half a character", "-1")  # what it may take otherwise
PLACES = ("query", "form")
TOKEN = "csrf_token"
Field = tuple[str, str, str, str]  # method, rule, one of PLACES, name
WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


class Watched(ImmutableMultiDict[str, Any]):
    """What was sent, telling which names are read."""

    note: Callable[[str], None] = staticmethod(lambda _: None)

    def __contains__(self, key: object) -> bool:
        self.note(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self.note(key)
        return super().__getitem__(key)

    def get(self, key: str, *given: Any, **named: Any) -> Any:
        self.note(key)
        return super().get(key, *given, **named)

    def getlist(self, key: str, *given: Any, **named: Any) -> Any:
        self.note(key)
        return super().getlist(key, *given, **named)

    def to_dict(self, flat: bool = True) -> Any:
        return WatchedDict(super().to_dict(flat), self.note)


class WatchedDict(dict[str, Any]):
    """A plain dictionary of what was sent, telling the same."""

    def __init__(self, values: dict[str, Any], note: Callable[[str], None]) -> None:
        super().__init__(values)
        self.note = note

    def get(self, key: str, default: Any = None) -> Any:
        self.note(key)
        return super().get(key, default)

    def __ror__(self, other: dict[str, Any]) -> WatchedDict:
        return WatchedDict({**other, **self}, self.note)


class Reads:
    """The fields and parameters that were read so far, in the order in which they were first read."""

    def __init__(self) -> None:
        self.found: dict[Field, None] = {}

    def request_class(self, original: type[Request]) -> type[Request]:
        """A class of requests that notes what is read of them."""
        found = self.found

        class WatchedRequest(original):  # type: ignore[misc, valid-type]
            def _watched(self, values: MultiDict[str, Any], place: str) -> Watched:
                watched = Watched(values)

                def note(name: str) -> None:
                    rule = self.url_rule.rule if self.url_rule is not None else ""
                    if rule and name != TOKEN:
                        found.setdefault((self.method, rule, place, name))

                watched.note = note  # type: ignore[method-assign]
                return watched

            @cached_property
            def args(self) -> Any:
                return self._watched(super().args, "query")

            def _load_form_data(self) -> None:
                if "form" not in self.__dict__:
                    super()._load_form_data()
                    self.__dict__["form"] = self._watched(self.__dict__["form"], "form")
                    self.__dict__["files"] = self._watched(self.__dict__["files"], "form")

        return WatchedRequest


class Database:
    """The rows of a world as they were, brought back after each form that changed some."""

    def __init__(self, there: World, folder: Path, owner_url: str | None) -> None:
        self._there = there
        for actor in there.actors.values():  # when they came by is written now, not with each question
            actor.get(f"/c/{there.a.slug}/")
        self._owner = sa.create_engine(owner_url) if owner_url else None
        self.written: set[str] = set()  # names of tables
        with there.app.app_context():
            sa.event.listen(db.engine, "before_cursor_execute", self._note)
            url = make_url(str(db.engine.url.render_as_string(hide_password=False)))
            self._file = Path(url.database or "") if self._owner is None else None
            self._copy = folder / "kept.db"
            self._rows: list[tuple[sa.Table, list[dict[str, Any]]]] = []
            if self._file is not None:
                self._close()
                with closing(sqlite3.connect(self._file)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                shutil.copyfile(self._file, self._copy)
            else:
                with db.engine.connect() as connection:
                    for table in db.metadata.sorted_tables:
                        rows = connection.execute(sa.select(table)).mappings().all()
                        self._rows.append((table, [dict(row) for row in rows]))
        self.written.clear()

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if (found := WRITES.match(statement)) and not statement.startswith("UPDATE sign_in_sessions"):
            self.written.add(found[1])

    def _close(self) -> None:
        db.session.remove()
        db.engine.dispose()

    def bring_back(self) -> None:
        with self._there.app.app_context():
            self._close()
        if self._file is not None:
            for part in ("-wal", "-shm"):
                self._file.with_name(self._file.name + part).unlink(missing_ok=True)
            shutil.copyfile(self._copy, self._file)
        elif self._owner is not None:
            with self._owner.begin() as connection:
                connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
                for table, rows in self._rows:
                    connection.execute(sa.delete(table))
                    if rows:
                        connection.execute(sa.insert(table), rows)
        self.written.clear()

    def close(self) -> None:
        if self._owner is not None:
            self._owner.dispose()


class Browsers:
    """The cookies that everybody had, brought back after each request: a form may sign somebody out."""

    def __init__(self, there: World) -> None:
        self._there = there
        self._kept = {name: dict(actor.client._cookies) for name, actor in there.actors.items()}

    def bring_back(self) -> None:
        for name, cookies in self._kept.items():
            self._there.actors[name].client._cookies = dict(cookies)


class FormsOf(HTMLParser):
    """The forms of a page: where each is sent, and what it sends when nobody changes anything."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, MultiDict[str, str]]] = []
        self._select: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((urlsplit(given.get("action", "")).path, MultiDict()))
        if not self.forms:
            return
        values = self.forms[-1][1]
        name = given.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in values):
            values.setlist(self._select, [given.get("value", "")])
        elif (
            tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given)
        ):
            values.add(name, given.get("value", "on"))


@dataclass
class Probe:
    """Asks every route, as who may use it, for what it reads."""

    there: World
    reads: Reads
    tokens: dict[str, str]
    forms: dict[str, MultiDict[str, str]] = field(default_factory=dict)

    def actor(self, method: str, rule: str) -> str:
        """The first who is neither sent away nor refused."""
        answers = EXPECTED[method, rule]
        for name in ("administrator", "starter", "anon"):
            if answers[name] not in ("in", "403", "404"):
                return name
        raise AssertionError(f"nobody may use {method} {rule}")

    def target(self, rule: str) -> str:
        return address(self.there, rule, self.there.a)

    def base(self, rule: str) -> MultiDict[str, str]:
        """What the page's own form sends, with what the table of forms says."""
        values: MultiDict[str, str] = MultiDict(self.forms.get(rule, {}))
        for name, value in FORMS.get(rule, lambda _: {})(self.there.a).items():
            values.setlist(name, [str(value)])
        if (
            rule.endswith("/confirm") and "status" in values
        ):  # of everybody on the list, whose stamp is looked at
            for name, value in (("scope", "all"), ("confirm", "y"), ("team", str(self.there.a.team_id))):
                values.setlist(name, [value])
        return values

    def ask(
        self, method: str, rule: str, place: str = "query", values: list[tuple[str, bytes]] | None = None
    ) -> TestResponse:
        """Send ``values`` as they are, beside the form that the page would send."""
        name = self.actor(method, rule)
        client = self.there.actors[name].client
        query = urlencode(values or []) if place == "query" else ""
        if method == "GET":
            return client.get(self.target(rule), query_string=query)
        fields: list[tuple[str, bytes]] = []
        evil = {key for key, _ in values or []} if place == "form" else set()
        fields += [
            (key, one.encode()) for key, one in self.base(rule).items(multi=True) if key not in evil | {TOKEN}
        ]
        fields += values or [] if place == "form" else []
        data = urlencode([*fields, (TOKEN, self.tokens[name].encode())])
        return client.post(
            self.target(rule), query_string=query, data=data, content_type="application/x-www-form-urlencoded"
        )

    def learn_forms(self, answer: TestResponse) -> None:
        """Remember the forms of a page by the rule that they are sent to."""
        if answer.mimetype != "text/html":
            return
        adapter = self.there.app.url_map.bind("127.0.0.1")
        for action, values in FormsOf(answer.text).forms:
            try:
                rule, _ = adapter.match(action or answer.request.path, method="POST", return_rule=True)
            except HTTPException:
                continue
            if rule.rule not in self.forms or len(values) > len(self.forms[rule.rule]):
                self.forms[rule.rule] = values
