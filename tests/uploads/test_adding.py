"""Adding on both databases: keys that later syncs find people by, races, and the transaction of it all."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.sync.office import Office, open_office
from tests.sync.people import person
from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.match_keys import USER_KEYS, user_keys
from webapp.core.models import AuditEvent, Contract, User, UserUpload, db
from webapp.core.permissions import MANAGE_USERS
from webapp.people.activation.activate import LicencesExceeded
from webapp.people.directory.directory import directory_of
from webapp.people.directory.setup import Giver
from webapp.people.uploads.add import AlreadyAdded, Changed, add
from webapp.people.uploads.existing import taken_by
from webapp.people.uploads.rows import Rows
from webapp.people.uploads.store import keep, sheet_of
from webapp.people.uploads.validate import judge
from webapp.sync.run.apply import apply_plan

FILE = """name,username,email,third_party_id,role,team
Ada L.,ADA,Ada@Example.com,,agent,{team}
Zoë,zoé.ﬁ,,9002,agent,{team}
Bob,bob,,,agent,{team}
"""
OTHERS = """name,username,role,team
Ida,ida,agent,{team}
Zia,zia,agent,{team}
Bab,bab,agent,{team}
"""


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    with app.app_context():
        yield open_office(app)


@pytest.fixture
def administrator(app: Flask, office: Office) -> Actor:
    return make_actor(app, office.contract_id, "administrator")


def me(office: Office, administrator: Actor) -> int:
    return db.session.scalars(
        sa.select(User.id).where(
            User.contract_id == office.contract_id, User.account_id == administrator.account_id
        )
    ).one()


def kept_file(office: Office, administrator: Actor, text: str = FILE) -> int:
    top = directory_of(db.session(), office.contract_id).teams[0].path
    return keep(
        office.contract_id,
        text.format(team=top).encode(),
        "staff.csv",
        account_id=administrator.account_id,
        by="Somebody",
    )


def stamp_of(office: Office, upload_id: int, way: str) -> str:
    """The stamp that the page would show."""
    session = db.session()
    session.commit()
    sheet = sheet_of(session.get_one(UserUpload, upload_id))
    directory = directory_of(session, office.contract_id)
    permissions = frozenset().union(*(role.permissions for role in directory.roles)) | {MANAGE_USERS}
    rows = Rows(sheet)
    giver = Giver(permissions, frozenset(directory.team_by_id))
    return judge(rows, taken_by(session, office.contract_id, rows), directory, giver, way).stamp


def users(office: Office) -> list[User]:
    db.session.commit()
    return list(
        db.session.scalars(
            sa.select(User)
            .where(User.contract_id == office.contract_id, User.account_id.is_(None))
            .order_by(User.id)
            .execution_options(populate_existing=True)
        )
    )


def test_a_later_sync_links_who_was_uploaded_and_imports_nobody_twice(
    office: Office, administrator: Actor
) -> None:
    upload_id = kept_file(office, administrator)
    done = add(
        office.contract_id,
        upload_id,
        "pending",
        leave_out=False,
        stamp=stamp_of(office, upload_id, "pending"),
        by_user_id=me(office, administrator),
    )
    assert [user.id for user in users(office)] == done.ids
    for user in users(office):
        wanted = user_keys(
            name=user.name, username=user.username, email=user.email, third_party_id=user.third_party_id
        )
        assert {key: getattr(user, key) for key in USER_KEYS} == wanted
        assert (user.status, user.source_integration_id) == ("pending", None)
    run = office.sync(
        person("1", "Ada Lovelace", "ada@example.com"),
        person("9002", "Zoë Fi", None),
        person("3", "New", "n@x.example"),
    )
    assert (run.renamed, run.imported, run.conflicts) == (2, 1, 0)
    assert [user.name for user in users(office)] == ["Ada Lovelace", "Zoë Fi", "Bob", "New"]


def test_a_run_that_planned_before_the_upload_imports_nobody_twice(
    office: Office, administrator: Actor
) -> None:
    upload_id = kept_file(office, administrator)
    stamp, by = stamp_of(office, upload_id, "pending"), me(office, administrator)
    run = office.request()
    office.platform.people_there = [person("1", "Ada Lovelace", "ada@example.com")]

    def after_the_upload(*args: object, **options: object) -> object:
        if not users(office):
            with office.app.app_context():
                add(office.contract_id, upload_id, "pending", leave_out=False, stamp=stamp, by_user_id=by)
        return apply_plan(*args, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("webapp.sync.run.run.apply_plan", after_the_upload)
        office.work(run)
    done = office.run(run.id)
    assert (done.state, done.renamed, done.imported) == ("completed", 1, 0)
    assert [user.name for user in users(office)] == ["Ada Lovelace", "Zoë", "Bob"]


def test_many_who_press_at_once_add_once_and_never_past_the_licences(
    office: Office, administrator: Actor
) -> None:
    """Two uploads want three licences each, and four are free; each is pressed twice at the same moment."""
    other = make_actor(office.app, office.contract_id, "administrator")
    with write_transaction() as session:
        session.execute(sa.update(Contract).where(Contract.id == office.contract_id).values(licences=6))
    uploads = [
        (kept_file(office, administrator), me(office, administrator)),
        (kept_file(office, other, OTHERS), me(office, other)),
    ]
    stamps = [stamp_of(office, upload_id, "active") for upload_id, _ in uploads]
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def press(place: int) -> None:
        upload_id, by = uploads[place]
        with office.app.app_context():
            ready.wait()
            try:
                add(
                    office.contract_id,
                    upload_id,
                    "active",
                    leave_out=False,
                    stamp=stamps[place],
                    by_user_id=by,
                )
                outcomes.append("added")
            except (AlreadyAdded, LicencesExceeded, Changed) as refused:
                outcomes.append(type(refused).__name__)

    threads = [threading.Thread(target=press, args=(place,)) for place in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["AlreadyAdded", "LicencesExceeded", "LicencesExceeded", "added"]
    assert len(users(office)) == 3
    written = sa.select(sa.func.count()).where(AuditEvent.action == "users.uploaded")
    assert db.session.scalar(written) == 1


def test_without_its_audit_row_nobody_is_added(
    office: Office, administrator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = kept_file(office, administrator)
    stamp, by = stamp_of(office, upload_id, "active"), me(office, administrator)

    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("no row")

    monkeypatch.setattr(log, "record", fail)
    with pytest.raises(RuntimeError, match="no row"):
        add(office.contract_id, upload_id, "active", leave_out=False, stamp=stamp, by_user_id=by)
    assert users(office) == []
    assert db.session.get_one(UserUpload, upload_id, populate_existing=True).finished_at is None
