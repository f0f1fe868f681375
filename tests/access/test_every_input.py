"""Whatever is sent in any field or parameter is answered by a page, and nothing is stored that is not valid.

The routes come from the address map, the fields and parameters from what the product reads while it is asked, so a new
one is tried by itself.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.access.inputs import EVIL, OF_POSTGRES, ONE_BY_ONE, TOKEN, Browsers, Database, Field, Probe, Reads
from tests.access.test_walk import EXPECTED, tokens
from tests.access.world import NOWHERE, World, world
from tests.actors import PASSWORD
from tests.servers.databases import PostgresTemplate
from tests.stored import wrong_texts
from webapp.accounts.sign_in import passwords

FEW = 1
ANSWERS = {200, 302, 303, 400, 401, 404, 409, 410, 413, 422, 429}


@dataclass
class Asking:
    """A probe of a world whose rows, cookies and sessions are brought back after each question."""

    probe: Probe
    database: Database
    there: World
    browsers: Browsers

    def check(self, answer: TestResponse, what: object) -> list[str]:
        """What is wrong with an answer and with what it stored."""
        wrong = [] if answer.status_code in ANSWERS else [f"{what}: answered {answer.status_code}"]
        where = answer.location or "/"
        if not where.startswith(("/", NOWHERE)) or where.startswith(("//", "/\\")):
            wrong.append(f"{what}: led to {where[:100]}")
        if answer.mimetype == "text/html" and answer.status_code >= 400 and 'id="main"' not in answer.text:
            wrong.append(f"{what}: no page of the product")
        self.browsers.bring_back()
        if self.database.written:
            wrong += [f"{what}: stored {text}" for text in wrong_texts(self.there.app, self.database.written)]
            self.database.bring_back()
        return wrong

    def discover(self) -> list[str]:
        """Ask for everything as a page would, twice: the second time with the forms of the pages seen."""
        wrong = []
        for _ in range(2):
            for method, rule in EXPECTED:
                answer = self.probe.ask(method, rule)
                self.probe.learn_forms(answer)
                wrong += self.check(answer, (method, rule))
        return wrong

    def new_fields(self) -> Iterator[Field]:
        """Each field once, those too that are read only because of what was sent in another one."""
        done: set[Field] = set()
        while left := [one for one in self.probe.reads.found if one not in done]:
            for one in left:
                done.add(one)
                if one[:2] in EXPECTED and not (one[0] == "GET" and one[2] == "form"):
                    yield one

    def one_by_one(self, names: Collection[str]) -> list[str]:
        """Each of a form's fields with something else than the page would send, the others as it would."""
        wrong = []
        for method, rule, place, field in self.new_fields():
            if (method, place) == ("POST", "form"):
                for name in names:
                    answer = self.probe.ask(method, rule, place, [(field, EVIL[name])])
                    wrong += self.check(answer, (rule, field, name))
        return wrong

    def all_at_once(self, names: Sequence[str]) -> list[str]:
        """All fields of a form, and all parameters of an address, by turns with each: in one request each another."""
        wrong = []
        found = list(self.new_fields())
        for method, rule, place in dict.fromkeys(one[:3] for one in found):
            fields = [one[3] for one in found if one[:3] == (method, rule, place)]
            turns = (
                FEW if (method, place) == ("POST", "query") else len(names)
            )  # a form's address says little
            for turn in range(turns):
                evil = [(field, EVIL[names[(turn + at) % len(names)]]) for at, field in enumerate(fields)]
                wrong += self.check(
                    self.probe.ask(method, rule, place, evil), (method, rule, place, names[turn])
                )
        return wrong


@pytest.fixture(params=["sqlite", "postgres"])
def asking(
    request: pytest.FixtureRequest,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Asking]:
    monkeypatch.setattr(passwords, "verify", lambda password, _stored: password == PASSWORD)  # slow by design
    monkeypatch.setattr(passwords, "hash_password", lambda _: "quick")
    url = request.getfixturevalue(f"{request.param}_url")
    owner = None
    if request.param == "postgres":
        template: PostgresTemplate = request.getfixturevalue("_postgres_template")
        owner = template.owner_url(url).replace("postgresql://", "postgresql+psycopg://")
    with world(url, redis_url, tmp_path) as there:
        reads = Reads()
        there.app.request_class = reads.request_class(there.app.request_class)
        probe = Probe(there, reads, tokens(there))
        database = Database(there, tmp_path, owner)
        yield Asking(probe, database, there, Browsers(there))
        database.close()


def test_A12_nothing_that_is_sent_in_any_field_or_parameter_fails(
    asking: Asking, request: pytest.FixtureRequest
) -> None:
    everything = "sqlite" in request.node.callspec.id
    wrong = asking.discover()
    wrong += asking.all_at_once(tuple(EVIL) if everything else OF_POSTGRES)
    wrong += asking.one_by_one(ONE_BY_ONE if everything else OF_POSTGRES[:2])
    assert wrong == []
    found = set(asking.probe.reads.found)
    assert len({rule for _, rule, _, _ in found}) > 60
    for known in (  # what was found broken, and fields of each kind: of a form, by hand, packed, of one's row
        ("POST", "/c/<contract>/users/activate/confirm", "form", "stamp"),
        ("POST", "/c/<contract>/users/leavers/rule", "form", "days"),
        ("POST", "/c/<contract>/users/new", "form", "third_party_id"),
        ("GET", "/c/<contract>/users", "query", "keep"),
        ("GET", "/c/<contract>/users/leavers", "query", "sort"),
        ("GET", "/c/<contract>/audit", "query", "from"),
    ):
        assert known in found, known


@pytest.mark.parametrize("asking", ["sqlite"], indirect=True)
def test_A12_files_where_texts_belong_and_texts_where_files_do_are_refused_in_words(asking: Asking) -> None:
    wrong = asking.discover()
    for method, rule in EXPECTED:
        if method != "POST":
            continue
        name = asking.probe.actor(method, rule)
        names = [
            field
            for one, of, place, field in asking.probe.reads.found
            if (one, of, place) == (method, rule, "form")
        ]
        files = {field: (io.BytesIO(b"\xff\xfe\0"), "\u202e\x1b.csv") for field in names}
        data = {TOKEN: asking.probe.tokens[name], **files, "__proto__": "x", "name[]": "x"}
        answer = asking.there.actors[name].client.post(
            asking.probe.target(rule), data=data, content_type="multipart/form-data"
        )
        wrong += asking.check(answer, (rule, "files"))
    assert wrong == []


@pytest.mark.parametrize("asking", ["sqlite"], indirect=True)
def test_A12_whatever_a_file_of_users_holds_is_refused_or_shown(asking: Asking) -> None:
    client, token = asking.there.actors["administrator"].client, asking.probe.tokens["administrator"]
    head = b"name,username,email,third party id,roles,team,reporting access\n"
    wrong = []
    for name, value in EVIL.items():
        for data in (value, head + value, head + b",".join([value.replace(b"\n", b"")] * 7)):
            form = {TOKEN: token, "file": (io.BytesIO(data), f"{name}.csv")}
            answer = client.post("/c/amarok/users/upload", data=form, content_type="multipart/form-data")
            if answer.status_code == 302:
                for way in ("pending", "active"):
                    shown = client.get(f"{answer.location}?as={way}")
                    assert shown.status_code == 200, (name, way)
            kept = " user_uploads.sheet: "  # what the file holds is kept as it is, to be given back
            wrong += [text for text in asking.check(answer, ("upload", name)) if kept not in text]
    assert wrong == []
