"""The audit log page: whose rows it shows, how they are found, and that it shows them as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor, make_contract
from webapp.core.audit import log as audit_log
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, Contract, db


@pytest.fixture
def contract_id(app: Flask, reader: Actor) -> int:
    with app.app_context():
        return db.session.scalars(sa.select(Contract.id)).one()


@pytest.fixture
def reader(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Actor:
    """Someone of System Access, who may read the log of a contract; it is empty."""
    with monkeypatch.context() as silent:
        silent.setattr(audit_log, "record", lambda *_args, **_options: None)
        return make_actor(app, make_contract(app, "acme"), "system_access")


def write(app: Flask, contract_id: int | None, *targets: str, **changes: object) -> None:
    with app.app_context(), write_transaction() as session:
        for target in targets:
            audit_log.record(
                session,
                str(changes.get("action", "integration.connected")),
                target,
                contract_id=contract_id,
                details=changes.get("details"),  # type: ignore[arg-type]
                actor=str(changes.get("actor", "Ana Oliveira")),
            )


def shown(reader: Actor, query: str = "") -> list[str]:
    """What was done, row by row."""
    page = reader.get(f"/c/acme/audit?{query}").text
    return [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", cell)).strip()
        for cell in re.findall(r'<td role="cell" class="cell-what"><span class="firm">.*?</td>', page)
    ]


def test_an_empty_log_says_why(reader: Actor) -> None:
    assert "Nothing has been changed yet" in reader.get("/c/acme/audit").text


def test_the_newest_row_comes_first(app: Flask, contract_id: int, reader: Actor) -> None:
    write(app, contract_id, "first", "second", "third")
    assert shown(reader) == ["Connected third", "Connected second", "Connected first"]


def test_rows_of_other_contracts_and_of_none_are_never_shown(
    app: Flask, contract_id: int, reader: Actor
) -> None:
    other = make_contract(app, "bolt")
    write(app, contract_id, "ours")
    write(app, other, "theirs", actor="Their person", action="integration.disconnected")
    write(app, None, "nobody's", actor="Nobody's person", action="account.created")
    for query in (
        "",
        "q=theirs",
        "q=person",
        "actor=Their+person",
        "action=integration.disconnected",
        "per_page=100",
    ):
        page = reader.get(f"/c/acme/audit?{query}").text.split("<main")[1]
        page = page.replace('<option value="Their person" selected>Their person</option>', "")  # as asked for
        assert "Contract bolt" not in page
        assert "Disconnected" not in page
        assert "Created the account" not in page
        assert "ir person</" not in page
        assert set(shown(reader, query)) <= {"Connected ours"}


FOUND: list[tuple[str, list[str]]] = [
    ("q=Inter", ["Connected Intercom", "Connected Intercom 100%"]),
    ("q=inter", ["Connected Intercom", "Connected Intercom 100%"]),
    ("q=%20Zendesk%20", ["Switched on the feature Zendesk"]),
    ("q=marek", ["Switched on the feature Zendesk"]),
    ("q=%25", ["Connected Intercom 100%"]),
    ("q=_", ["Connected snake_case"]),
    ("q=%5C", ["Connected back\\slash"]),
    ("q='%20OR%201=1--", []),
    ("q=łukasz", ["Connected Éire"]),
    ("q=ŁUKASZ", ["Connected Éire"]),
    ("q=éire", ["Connected Éire"]),
    ("actor=Marek+Nowak", ["Switched on the feature Zendesk"]),
    ("actor=Marek", []),
    ("action=contract.feature_enabled", ["Switched on the feature Zendesk"]),
    ("action=nonsense", []),
    ("action=integration.connected&q=100", ["Connected Intercom 100%"]),
    ("action=contract.feature_enabled&actor=Ana+Oliveira", []),
]


def test_rows_are_found_by_words_by_person_and_by_action(app: Flask, contract_id: int, reader: Actor) -> None:
    write(app, contract_id, "back\\slash", "snake_case", "Intercom 100%", "Intercom")
    write(app, contract_id, "Éire", actor="Łukasz Żak")
    write(app, contract_id, "Zendesk", actor="Marek Nowak", action="contract.feature_enabled")
    for query, found in FOUND:
        assert shown(reader, query) == found, query
        assert ("Nothing matches these filters" in reader.get(f"/c/acme/audit?{query}").text) == (not found)


def test_the_filters_offer_what_there_is(app: Flask, contract_id: int, reader: Actor) -> None:
    write(app, contract_id, "x")
    write(app, contract_id, "y", actor="Marek Nowak", action="contract.feature_enabled")
    page = reader.get("/c/acme/audit?action=contract.feature_enabled").text
    offered = re.findall(r'<option value="([^"]*)"', page)
    assert offered == [
        "",
        "contract.feature_enabled",
        "integration.connected",
        "",
        "Ana Oliveira",
        "Marek Nowak",
        "",
    ]
    assert '<option value="contract.feature_enabled" selected>' in page


def test_a_long_log_has_pages_that_keep_the_filters(app: Flask, contract_id: int, reader: Actor) -> None:
    write(app, contract_id, *[f"number {n:03}" for n in range(60)], "elsewhere")
    pages = [shown(reader, f"q=number&page={page}") for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [25, 25, 10]
    assert [row for page in pages for row in page] == [
        f"Connected number {n:03}" for n in reversed(range(60))
    ]
    assert (
        '<a class="page-link" rel="next" href="/c/acme/audit?q=number&amp;page=2">'
        in reader.get("/c/acme/audit?q=number").text
    )
    assert len(shown(reader, "per_page=100")) == 61


def test_what_was_and_what_became_of_it_stand_side_by_side(
    app: Flask, contract_id: int, reader: Actor
) -> None:
    write(
        app,
        contract_id,
        "x",
        details={
            "column": audit_log.changed(None, "email"),
            "licence_count": audit_log.changed(5, 6),
            "roles": ["Agent", "Manager"],
            "permissions": [],
            "stop": True,
            "account_id": "kx41",
            "description": "",
            audit_log.IDS: [987654, 987655],
        },
    )
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reader.get("/c/acme/audit").text))
    for words in (
        "Column:",
        "email",
        "Licence count:",
        "Roles: Agent, Manager",
        "Permissions: none",
        "Stop: yes",
        "Account ID: kx41",
        "Description: blank",
    ):
        assert words in page
    assert "987654" not in page


def test_times_are_in_the_contracts_zone(app: Flask, contract_id: int, reader: Actor) -> None:
    with app.app_context(), write_transaction() as session:
        at = datetime(2025, 7, 1, 22, 30, tzinfo=UTC)
        session.add(
            AuditEvent(contract_id=contract_id, at=at, actor="Ana", action="account.signed_in", target="x")
        )
    page = reader.get("/c/acme/audit").text
    assert '<time datetime="2025-07-01T22:30:00+00:00" title="1 July 2025, 23:30:00 BST"' in page
    assert "1 Jul 2025, 23:30" in page


def test_everything_is_shown_as_text(app: Flask, contract_id: int, reader: Actor) -> None:
    attack = '"><script>alert(1)</script>{{8641*7}}<img src=x onerror=alert(1)>'
    write(
        app,
        contract_id,
        attack,
        actor=attack,
        details={attack: audit_log.changed(attack, attack), "list": [attack]},
    )
    page = reader.get("/c/acme/audit", query_string={"q": attack}).text
    assert shown(reader)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "60487" not in page.replace(attack, "")
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;{{8641*7}}") >= 6


@pytest.mark.parametrize("name", ["q", "actor", "action"])
def test_a_long_filter_is_cut_and_does_no_harm(reader: Actor, name: str) -> None:
    for value in ("x" * 100_000, "%" * 3000, "\\" * 3000):
        assert reader.get("/c/acme/audit", query_string={name: value}).status_code == 200


def test_what_is_long_is_folded_and_whole(app: Flask, contract_id: int, reader: Actor) -> None:
    names = [f"Person {number}" for number in range(60)]
    each = [{"given": f"Agent in Team {number}", "users": ["Ana"], "ids": "1"} for number in range(12)]
    write(app, contract_id, "one", details={"users": names})
    write(app, contract_id, "two", details={"each": each})
    page = reader.get("/c/acme/audit").text
    assert (
        page.count("<details") - reader.get("/c/acme/audit?q=none-is-called-so").text.count("<details") == 2
    )
    folded = re.findall(r"<details class=\"whole\">(.*?)</details>", page, re.DOTALL)
    assert ", ".join(names) in folded[1]
    assert "Show 4 more" in folded[0]
    assert [number for number in range(12) if f"Agent in Team {number}:" in folded[0]] == [8, 9, 10, 11]
    assert all(f"Agent in Team {number}:" in page for number in range(12))
