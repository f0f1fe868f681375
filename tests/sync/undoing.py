"""Undoing runs of an office by hand, and what there is of users and links to compare."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tests.sync.office import SOMEBODY, Office
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, User, db
from webapp.integrations.runs import undo_service
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.undo import undo_run


def ask(office: Office, run: SyncRun, *, then: str = undo_service.GO_ON) -> SyncRun:
    """A queued undo of ``run``."""
    stamp = undo_service.verdicts(office.run(run.id)).stamp
    return undo_service.undo(office.integration_id, run.id, SOMEBODY, stamp=stamp, then=then)


def work(office: Office, undo: SyncRun, batch_size: int | None = None) -> SyncRun:
    """Carry out the present attempt of an undo, as a worker does; the undo after it."""
    carry_out(office, undo, batch_size)
    return office.run(undo.id)


def carry_out(office: Office, undo: SyncRun, batch_size: int | None = None) -> None:
    """The same where the database may not answer afterwards."""
    undo = office.run(undo.id)
    undone = db.session.get_one(SyncRun, undo.undoes_id)
    db.session.commit()  # a rollback would have them read again in the middle
    undo_run(
        office.engine,
        undo,
        undone,
        undo.attempt,
        lease=office.lease,
        batches=Batches.always(batch_size or office.batch_size),
    )


def undo(office: Office, run: SyncRun) -> SyncRun:
    return work(office, ask(office, run))


def change_user(office: Office, whom: str, /, **values: Any) -> None:
    """Somebody changes columns of the user with the username ``whom``."""
    with write_transaction() as session:
        session.execute(
            sa.update(User)
            .where(User.contract_id == office.contract_id, User.username == whom)
            .values(**values)
        )


def users_of(office: Office) -> dict[int, tuple[Any, ...]]:
    """Everything about the users that a run may change."""
    return {
        user.id: (
            *(user.status, user.name, user.name_key, user.username, user.email, user.third_party_id),
            *(user.search_key, user.named_by_integration_id, user.source_integration_id),
        )
        for user in office.users().values()
    }


def links_of(office: Office) -> dict[str, int]:
    return {
        remote_id: person.user_id
        for remote_id, person in office.remembered().items()
        if person.user_id is not None
    }


def unlinked_of(office: Office) -> dict[str, tuple[Any, ...]]:
    """What is known of those who are linked to nobody."""
    return {
        remote_id: (person.outcome, person.reason, person.detail)
        for remote_id, person in office.remembered().items()
        if person.user_id is None
    }
