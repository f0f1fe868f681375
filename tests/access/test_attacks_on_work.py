"""What somebody with bad intent would do to batches, forms, files and jobs, by the numbers of the list of attacks."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.access.table import FORMS
from tests.access.test_walk import EXPECTED, address, tokens, unchanged
from tests.access.world import World
from tests.actors import deactivate, make_actor
from tests.connectors.raw_server import answer, raw_server
from tests.platforms.conftest import Desk, desk, intercom, settings
from tests.sync.people import person
from tests.sync_status.conftest import Watched, watched
from webapp.core.database import write_transaction
from webapp.core.models import Account, AuditEvent, Integration, SyncRun, User, db
from webapp.core.spreadsheets.cells import restored
from webapp.jobs import functions

__all__ = ["desk", "intercom", "settings", "watched"]

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


# ------------------------------------------------------------------ forms
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("activate", "pending"),
        ("activate/confirm", "pending"),
        ("deactivate", "active"),
        ("deactivate/confirm", "active"),
    ],
)
def test_attack_05_one_id_of_another_contract_refuses_the_whole_batch(
    there: World, path: str, status: str
) -> None:
    ours, theirs = (getattr(there.a, f"{status}_id"), getattr(there.b, f"{status}_id"))
    form = {"status": status, "ids": [ours, theirs], "confirm": "y"}
    with unchanged(there):
        answer = there.actors["administrator"].post(f"/c/amarok/users/{path}", form)
        assert answer.status_code == 404
        assert "borealis" not in answer.text


def test_attack_05_one_person_of_another_contract_refuses_every_decision(there: World) -> None:
    form = {"choice": "new", "ids": [there.a.person_id, there.b.person_id]}
    with unchanged(there):
        assert there.actors["administrator"].post("/c/amarok/conflicts/many", form).status_code in (302, 404)


EXTRA = {
    "role": "administrator",
    "roles[]": "1",
    "is_admin": "1",
    "support": "1",
    "support_may_sync": "1",
    "tenant_id": "2",
    "contract_id": "2",
    "account_id": "1",
    "user_id": "1",
    "password_hash": "x",
    "disabled_at": "",
    "licences": "9999",
    "credentials": "x",
}
GUARDED = ("accounts", "contracts", "contract_features", "roles", "role_permissions", "user_roles")


def test_attack_06_fields_that_a_form_does_not_have_do_nothing(own: World) -> None:
    """Every form of everyone who may send it, but those whose very purpose is to give or take roles."""
    own_purpose = ("/theme", "/sign-", "activate/confirm", "merge", "leavers", "/roles")
    token = tokens(own)
    before = {name: rows for name, rows in own.snapshot().items() if name in GUARDED}
    secrets = _credentials(own)
    sent = 0
    for (method, rule), answers in EXPECTED.items():
        if method != "POST" or any(part in rule for part in own_purpose):
            continue
        for actor in ("administrator", "manager", "system_access"):
            if answers[actor] in ("in", "403", "404"):
                continue
            form = EXTRA | FORMS.get(rule, lambda _: {})(own.a) | {"csrf_token": token[actor]}
            own.actors[actor].client.post(address(own, rule, own.a), data=form)
            sent += 1
    assert sent > 20
    after = {name: rows for name, rows in own.snapshot().items() if name in GUARDED}
    assert after == before
    assert "x" not in _credentials(own) | secrets


def _credentials(there: World) -> set[str | None]:
    with there.app.app_context():
        return set(db.session.scalars(sa.select(Integration.credentials)))


# ------------------------------------------------------------------ files
FORMULAS = [
    '=HYPERLINK("http://evil","x")', "+1+1", "-2", "@SUM(1)", "\t=1", '"a\n=1"', "\r=1", "＝1",
    "x;=1;y", "x\t@SUM(1)", "x|+1", "x\n-1",
]  # fmt: skip


@ONE_DATABASE
def test_attack_21_names_that_a_spreadsheet_would_run(watched: Watched) -> None:
    """As they were stored: no cell begins a formula, and every line has its columns."""
    with watched.inside() as office:
        for number, name in enumerate(FORMULAS):
            office.user(name, f"who{number}@example.com")
    run = watched.sync(*(person(f"{n:02}", f"Name {n}", f"who{n}@example.com") for n in range(len(FORMULAS))))
    path = f"/c/{watched.slug}/sync-status/runs/{run.id}/export"
    text = watched.support.post(path, {"form": "csv"}).get_data(as_text=True).removeprefix("\ufeff")
    head, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert len(lines) == len(FORMULAS)
    assert {len(line) for line in lines} == {len(head)}
    assert not [cell for line in lines for cell in line if cell[:1] in set("=+-@\t\r\n＝")]
    assert [restored(line[head.index("Before")]) for line in lines] == FORMULAS
    for separator in ";\t|":
        read = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        assert not [cell for line in read for cell in line if cell[:1] in set("=+-@\t\r\n＝")]


# ------------------------------------------------------------------ jobs
def test_attack_20_a_worker_that_did_one_contract_uses_the_token_of_the_next(own: World) -> None:
    """One process, one application context, one run of each contract after the other, and back again."""
    settings = own.app.extensions["settings"]
    with raw_server(answer(body=b"<html>", content_type="text/html")) as platform, own.app.app_context():
        client = replace(settings.intercom, api_url=platform.url)
        own.app.extensions["settings"] = replace(settings, intercom=client)
        for things in (own.a, own.b, own.a):
            with write_transaction() as session:
                run = SyncRun(
                    contract_id=things.contract_id, integration_id=things.integration_id, trigger="schedule"
                )
                session.add(run)
                session.flush()
                run_id = run.id
            functions.run(run_id, 1)
    used = [platform.header("authorization", number) for number in range(len(platform.requests))]
    assert list(dict.fromkeys(used)) == ["Bearer token-of-amarok", "Bearer token-of-borealis"]
    assert used[-1] == used[0]


@ONE_DATABASE
@pytest.mark.parametrize("gone", ["deactivated", "demoted", "account closed"])
def test_attack_30_what_somebody_asked_for_who_may_no_more_is_not_begun(
    desk: Desk, app: Flask, gone: str
) -> None:
    asker = make_actor(app, desk.contract_id, "administrator")
    desk.connect()
    desk.admin.post("/c/acme/integrations/platforms/intercom/user-sync/enable")
    desk.work()
    before = desk.asked("/admins")
    asker.post("/c/acme/integrations/platforms/intercom/user-sync/sync-now")
    with app.app_context(), write_transaction() as session:
        account = session.get_one(Account, asker.account_id)
        user = session.scalars(sa.select(User).where(User.account_id == asker.account_id)).one()
        if gone == "account closed":
            account.disabled_at = user.created_at
        elif gone == "demoted":
            session.execute(sa.text("DELETE FROM user_roles WHERE user_id = :id"), {"id": user.id})
    if gone == "deactivated":
        deactivate(app, desk.contract_id, asker.account_id)
    run = desk.work()
    assert (run.trigger, run.state) == ("manual", "cancelled")
    assert run.message == "Whoever asked for it may no longer do so. Nobody was changed."
    assert desk.asked("/admins") == before
    with app.app_context():
        (row,) = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "user_sync.not_begun"))
        assert row.details is not None
        assert row.details["run"] == run.id
    # What somebody else answers for by approving it is done, and so is what somebody else asks for.
    with app.app_context(), write_transaction() as session:
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.id == run.id)
            .values(state="queued", approved=True, started_at=None, finished_at=None, enqueued_at=None)
        )
    assert desk.work().state.startswith("completed")
    desk.admin.post("/c/acme/integrations/platforms/intercom/user-sync/sync-now")
    assert desk.work().state.startswith("completed")
