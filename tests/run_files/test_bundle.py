"""The support bundle: everything but people and secrets."""

from __future__ import annotations

import io
import json
import zipfile

import sqlalchemy as sa

from tests.actors import make_actor, make_contract
from tests.sync.people import person
from tests.sync_status.conftest import Watched
from webapp.core.credentials import unseal
from webapp.core.database import write_transaction
from webapp.core.models import (
    Account,
    AuditEvent,
    Contract,
    Exclusion,
    Integration,
    SyncRequest,
    SyncRun,
    User,
    UserSync,
    db,
    utcnow,
)
from webapp.integrations.runs.bundle import CONTENTS
from webapp.integrations.runs.redaction import Pseudonyms, masked_path, scrubbed
from webapp.platforms.base import LeftOut, Unavailable

NAMES = {
    *("Adalbert", "Ottilie", "Dora", "Gunda", "Sigrid", "Roberta", "Rita", "Requester", "Detlef", "Decider"),
    *(
        "Paula",
        "Willy",
        "Tried",
        "Hilda",
        "Xenia",
        "Connie",
        "secretive.example",
        "example.com",
        "workspace.example",
        "Quoted",
        "@",
    ),
    *("880001", "880002", "880003", "880004", "880005", "880006", "880009"),
}


def bundle(watched: Watched, run: SyncRun) -> dict[str, bytes]:
    answer = watched.support.post(f"/c/{watched.slug}/sync-status/runs/{run.id}/bundle")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="support-run-{run.id}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def crowd(watched: Watched) -> SyncRun:
    """A run with every kind of line, and names wherever a name can stand."""
    with watched.inside() as office:
        office.user("Adalbert Before", "adalbert@example.com")
        with write_transaction() as session:
            session.add(
                Exclusion(
                    contract_id=office.contract_id,
                    integration_id=office.integration_id,
                    kind="email",
                    value="*@secretive.example",
                    created_by="Xenia Excluder",
                )
            )
            session.execute(
                sa.update(Integration).values(
                    connected_by="Connie Connector", connected_as="Connie, connie@workspace.example"
                )
            )
    watched.sync(person("880001", "Gunda Gone", "gunda@example.com"))
    run = watched.sync(
        person("880002", "Adalbert After", "adalbert@example.com"),
        person("880003", "Ottilie New", "ottilie@example.com"),
        person("880004", "Dora One", "twice@example.com"),
        person("880005", "Dora Two", "twice@example.com"),
        person("880006", "Sigrid Secretive", "sigrid@secretive.example"),
        set_aside=(LeftOut("880009", "Roberta Robot", "operator@intercom.io", "bot"),),
    )
    with watched.inside(), write_transaction() as session:
        session.add(
            SyncRequest(
                run_id=run.id,
                at=utcnow(),
                method="GET",
                path="/admins/880003?name=Ottilie",
                status=500,
                milliseconds=3,
                note="Ottilie New broke it, ask ottilie@example.com",
            )
        )
        stored = session.get_one(SyncRun, run.id)
        stored.requested_by, stored.decided_by = "Rita Requester", "Detlef Decider"
        stored.what_if = {
            "identifier_column": "email",
            "excluded_emails": ["willy.whatif@somewhere.org", "*@tried.org"],
        }
        session.execute(
            sa.update(UserSync).values(
                paused_at=utcnow(), paused_by="Paula Pauser", pause_reason="Willy Whatif asked for it"
            )
        )
        stored.hold = {"known": 9, "found": 1, "gone": 8, "percent": 20, "people": 5, "names": ["Hilda Held"]}
        stored.message = f"Rita Requester asked; {stored.message} “Whoever Quoted”"
        stored.timeline = [
            *(stored.timeline or []),
            {
                "at": utcnow().isoformat(),
                "title": "Approved",
                "text": "By Detlef Decider for Hilda Held",
                "kind": "ok",
            },
        ]
    return run


def test_no_name_email_id_or_secret_is_in_any_byte(watched: Watched) -> None:
    run = crowd(watched)
    files = bundle(watched, run)
    with watched.inside() as office:
        session = db.session()
        secrets = {
            watched.app.extensions["settings"].secret_key,
            *watched.app.extensions["settings"].credential_keys,
            unseal(office.integration)["access_token"] + '"',
            office.integration.credentials or "-",
            *(account.password_hash for account in session.scalars(sa.select(Account))),
        }
        contract = session.get_one(Contract, office.contract_id)
        people = {
            text
            for user in session.scalars(sa.select(User))
            for text in (user.name, user.username, user.email, user.third_party_id)
            if text
        }
        people |= {account.email for account in session.scalars(sa.select(Account))}
    forbidden = secrets | people | NAMES | {contract.name, "Workspace One", "workspace-1"}
    for name, data in files.items():
        text = data.decode()
        assert {word for word in forbidden if word in text} == set(), name


def test_it_says_what_happened_all_the_same(watched: Watched) -> None:
    run = crowd(watched)
    files = bundle(watched, run)
    assert set(files) == {*CONTENTS, "README.txt"}
    told = {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}
    assert told["run.json"]["counters"]["found"] == 6
    assert told["run.json"]["counters"]["conflicts"] == 2
    assert told["run.json"]["hold"] == {"known": 9, "found": 1, "gone": 8, "percent": 20, "people": 5}
    assert [event["title"] for event in told["timeline.json"]][:2] == ["Started", "Connection checked"]
    assert {call["method"] for call in told["calls.json"]} == {"GET"}
    assert "/admins/{id}" in {call["path"] for call in told["calls.json"]}
    assert told["run.json"]["what_if"] == {"identifier_column": "email", "excluded_emails": 2}
    assert told["settings.json"]["exclusions"] == {"email": 1}
    assert told["health.json"]["status"] == "Paused"
    assert told["versions.json"]["schema"]
    kinds = [line["change"] for line in told["changes.json"]]
    assert sorted(kinds) == ["conflict", "conflict", "imported", "left_out", "left_out", "missing", "renamed"]
    assert all(line["person"].startswith("person-") for line in told["changes.json"])
    assert told["counts.json"]["people_missing"] == 1


def test_a_failed_run_has_a_bundle_as_well(watched: Watched) -> None:
    watched.office.platform.error = Unavailable("Intercom did not answer in time.")
    run = watched.sync(person("1", "Ada", "ada@example.com"))
    assert b"did not answer in time" in bundle(watched, run)["run.json"]
    watched.office.platform.error = None
    watched.office.platform.account_id, watched.office.platform.account_name = (
        "other",
        "Somebody Else’s Workspace",
    )
    run = watched.sync()
    assert run.error_kind == "wrong_account"
    assert "Somebody Else" not in bundle(watched, run)["run.json"].decode()


def test_pseudonyms_are_stable_keyed_and_apart_by_contract() -> None:
    one, other, elsewhere = Pseudonyms("k" * 40, 1), Pseudonyms("x" * 40, 1), Pseudonyms("k" * 40, 2)
    assert one.of("person", "7") == Pseudonyms("k" * 40, 1).of("person", "7")
    assert (
        len(
            {one.of("person", "7"), one.of("user", "7"), other.of("person", "7"), elsewhere.of("person", "7")}
        )
        == 4
    )
    assert one.of("person", None) is None


def test_sentences_and_paths_lose_what_could_be_somebody() -> None:
    assert scrubbed("Ada wrote to ada@example.com about “Grace”, ID 12345", ["Ada"]) == (
        "[removed] wrote to [removed] about [removed], ID [removed]"
    )
    assert scrubbed(None) is None
    assert masked_path("/api/v2/users/369537351000.json?x=1") == "/api/v2/users/{id}"
    assert masked_path("/admins/7") == "/admins/{id}"


def test_the_page_says_what_is_inside_first_and_the_download_is_in_the_audit_log(watched: Watched) -> None:
    run = watched.sync(person("1", "Ada", "ada@example.com"))
    page = watched.support.get(f"/c/{watched.slug}/sync-status/runs/{run.id}/bundle").text
    assert all(name in page for name in CONTENTS)
    bundle(watched, run)
    with watched.inside():
        assert db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "user_sync.bundled")).one()
    stranger = make_actor(watched.app, make_contract(watched.app, "elsewhere"), "administrator")
    assert stranger.post(f"/c/elsewhere/sync-status/runs/{run.id}/bundle").status_code == 404
