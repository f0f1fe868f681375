"""Every route with the largest input that it takes, as everybody: what costs this process more than a second of CPU.

The world is that of the tests' walk over every route (``tests/access``), with one contract made as large as one may be
(:mod:`bench.largest`). The fields that are filled in are those that the product was seen to read.
"""

from __future__ import annotations

import io
import resource
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from werkzeug.datastructures import MultiDict

from bench.largest import Largest, file_of_users, fill, noise
from tests.access.inputs import TOKEN, Browsers, Database, Probe, Reads
from tests.access.table import FORMS
from tests.access.test_walk import EXPECTED, tokens
from tests.access.world import ACTORS, world
from tests.servers.databases import migrate
from webapp.people.activation import grid
from webapp.people.directory.selection import MAX_KEPT, MAX_TICKED, pack

LIMIT = 1.0  # seconds of CPU that nothing may cost
BODY = 900_000  # characters that a form may hold
SIGNS = "4@8({[<3690!1|7$5+%2" * 12
MARKS = "a" + "\u0315\u0300" * 100_000
ONE_BY_ONE = ("noise", "marks")  # texts that fill each field by itself too
EIGHTEEN = "\ufdfa" * 500  # one letter that is eighteen once it is normalised
SHAPES = {  # of a file of a megabyte
    "cells": b"name,username\n" + b"x," * 500_000,
    "lines": b"name,username\n" + b"x\n" * 500_000 + b'"a"b',
    "headings": b"," * 1_000_000 + b"\nx\n",
    "marks": b"name,username\n" + "\n".join(f"B,b{n}{MARKS[:900]}" for n in range(500)).encode(),
    "one letter that is eighteen": b"name,username,email,third party id\n"
    + "\n".join(f"B,b{n},,{EIGHTEEN[:160]}{n}" for n in range(1_900)).encode(),
    "domains": b"name,email\n"
    + "\n".join(f"B,b@{'é' * 50}.{'ü' * 50}.{n}.example" for n in range(1_900)).encode(),
    "names between signs": b"name,username,roles,reporting access\n"
    + "\n".join(f'B,bob{n},{"Agent;" * 40},"{"Leeds;" * 40}"' for n in range(1_900)).encode(),
    "teams": file_of_users(),
}


class RouteMeasurement(msgspec.Struct):
    """One request: seconds of CPU until the last byte, which includes SQLite and not Postgres."""

    database: str
    actor: str
    method: str
    rule: str
    sent: str
    status: int
    cpu: float  # of the web's process, all together
    slice: float  # of it, the longest until a part of the answer was there
    beside: float  # CPU of the processes that it started, which are not the web's
    bytes: int


def measure(name: str, url: str, redis_url: str, folder: Path, *, quick: bool) -> Iterator[RouteMeasurement]:
    """Each route as each actor; when it has to be ``quick``, as the first one who may use it."""
    migrate(url, redis_url, folder)
    owner_url = None if name == "sqlite" else url.replace("postgresql://", "postgresql+psycopg://")
    with world(url, redis_url, folder) as there:
        reads = Reads()
        there.app.request_class = reads.request_class(there.app.request_class)
        probe, largest = Probe(there, reads, tokens(there)), fill(there)
        database = Database(there, folder, owner_url)
        walk = Walk(name, largest, reads, probe, database, quick)
        walk.learn()
        for method, rule in EXPECTED:
            yield from walk.route(method, rule)
        database.close()


class Walk:
    """Asks for one route after another; what a form changes is brought back."""

    def __init__(
        self, name: str, largest: Largest, reads: Reads, probe: Probe, database: Database, quick: bool
    ) -> None:
        self._name = name
        self._largest = largest
        self._reads = reads
        self._probe = probe
        self._browsers = Browsers(largest.world)
        self._database = database
        self._quick = quick

    def learn(self) -> None:
        """See which fields each route reads, and the forms of its pages."""
        for _ in range(2):
            for method, rule in EXPECTED:
                self._probe.learn_forms(self._probe.ask(method, rule))
                self._bring_back()

    def route(self, method: str, rule: str) -> Iterator[RouteMeasurement]:
        """All inputs as the first who may use it; as everybody else what the page would send."""
        first = self._probe.actor(method, rule)
        for actor in (first,) if self._quick else ACTORS:
            inputs = self._inputs(method, rule)
            for sent, query, form in inputs if actor == first else islice(inputs, 1):
                yield self._measured(actor, method, rule, sent, query, form)
                self._bring_back()

    def _bring_back(self) -> None:
        self._browsers.bring_back()
        if self._database.written:
            self._database.bring_back()

    def _measured(
        self,
        actor: str,
        method: str,
        rule: str,
        sent: str,
        query: MultiDict[str, Any],
        form: MultiDict[str, Any],
    ) -> RouteMeasurement:
        client, target = self._largest.world.actors[actor].client, self._probe.target(rule)
        named: dict[str, Any] = {"query_string": query}
        if method == "POST":
            form.setlist(TOKEN, [self._probe.tokens[actor]])
            named["data"] = form
        before, elsewhere = time.process_time(), _of_children()
        answer = client.open(target, method=method, **named)
        slices, size = [time.process_time() - before], 0
        begun = time.process_time()
        for part in answer.iter_encoded():
            size += len(part)
            slices.append(time.process_time() - begun)
            begun = time.process_time()
        answer.close()
        cpu = time.process_time() - before
        return RouteMeasurement(
            database=self._name,
            actor=actor,
            method=method,
            rule=rule,
            sent=sent,
            status=answer.status_code,
            cpu=cpu,
            slice=max(slices),
            beside=_of_children() - elsewhere,
            bytes=size,
        )

    # ---------------------------------------------------------------- what is sent
    def _inputs(
        self, method: str, rule: str
    ) -> Iterator[tuple[str, MultiDict[str, Any], MultiDict[str, Any]]]:
        nothing: MultiDict[str, Any] = MultiDict()
        base = self._probe.base(rule)
        yield "as the page sends it", nothing, base
        queried = self._read(method, rule, "query")
        if queried:
            yield "the largest page", MultiDict({"per_page": 100, "page": 1_000_000}), base
            yield (
                "a word that many have",
                MultiDict({"q": "person", "status": "pending", "per_page": 100}),
                base,
            )
            for name, text in (("a", noise(200, 1)), ("marks", MARKS[:1_000]), ("eighteen", EIGHTEEN)):
                yield f"texts of {name}", MultiDict(dict.fromkeys(queried, text)), base
        if method == "GET":
            return
        fields = self._read(method, rule, "form")
        room = BODY // max(len(fields), 1)
        for name, text in (("noise", noise(room, 2)), ("digits", "9" * room), ("spaces", f"a{' ' * room}b"),
                           ("marks", MARKS[: room // 6]), ("signs", SIGNS[:250])):  # fmt: skip
            yield f"fields of {name}", nothing, self._filled(base, dict.fromkeys(fields, text))
            for one in fields if len(fields) > 1 and name in ONE_BY_ONE else ():
                yield f"{one} of {name}", nothing, self._filled(base, {one: text})
        for sent, form in self._special(rule):
            yield sent, nothing, self._filled(base, form)

    def _read(self, method: str, rule: str, place: str) -> list[str]:
        found = self._reads.found
        return [name for one, of, where, name in found if (one, of, where) == (method, rule, place)]

    def _filled(self, base: MultiDict[str, Any], values: dict[str, Any]) -> MultiDict[str, Any]:
        form = MultiDict(base)
        for name, value in values.items():
            form.setlist(name, value if isinstance(value, list) else [value])
        return form

    def _special(self, rule: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What a route takes that no noise gets past: everybody on a list, a full grid, a large file."""
        largest = self._largest
        if "status" in FORMS.get(rule, lambda _: {})(largest.world.a):
            status = FORMS[rule](largest.world.a)["status"]
            ids = largest.active if status == "active" else largest.pending
            everybody = [
                largest.world.a.active_id if status == "active" else largest.world.a.pending_id,
                *ids,
            ]
            given = {"roles": [largest.agent_id], "team": largest.world.a.team_id, "confirm": "y"}
            list_ = f"status={status}"
            yield "everybody", given | {
                "list": list_, "scope": "all", "ids": ids[:100], "invite": "y",
                "stamp": f"{len(everybody)}.{sum(everybody)}",
            }  # fmt: skip
            yield "a thousand ticked", given | {"list": list_, "ids": ids[:MAX_TICKED]}
            yield "as many kept", given | {"list": list_, "ids": [], "kept": pack(ids[:MAX_KEPT])}
        if rule.endswith(("/activate/each", "/activate/each/confirm")):
            people = largest.pending[: grid.MOST]
            for sent, team in (("unknown teams", noise(200, 3)), ("known teams", largest.team_names[7])):
                cells = {f"team-{user}": f"{team}{user}"[: 200 + 6 * (sent[0] == "u")] for user in people}
                cells |= {f"access-{user}": ";".join([team] * 35) for user in people}
                yield sent, {"list": "status=pending", "ids": people, "confirm": "y", **cells}
        if rule.endswith("/users/upload"):
            for sent, data in SHAPES.items():
                yield f"a file of {sent}", {"file": (io.BytesIO(data), "users.csv")}
        if rule.endswith("/users/upload/<int:upload_id>"):
            yield "added as active", {"as": "active", "leave_out": "y"}


def _of_children() -> float:
    """Seconds of CPU of the processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
