"""Ignoring pending people: excluded wherever they are listed, and out of Pending until that is taken back.

Ignoring is an exclusion of the person, made where people are activated, and the status that keeps the user they
have already out of the way. Whoever takes back the exclusion takes back both.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.contracts import licences_used
from webapp.core.database import write_transaction
from webapp.core.id_ranges import chunks
from webapp.core.models import utcnow
from webapp.core.models.user import IGNORED
from webapp.people.directory import bulk
from webapp.people.directory.directory import directory_of
from webapp.people.directory.selection import Selection, find
from webapp.people.merges.merge import links_change
from webapp.sync.exclusions import admit_users, exclude_users

FROM = "pending"  # who can be ignored


def ignore(contract_id: int, selection: Selection, *, by: str, by_user_id: int, stamp: str = "") -> bulk.Done:
    """Let everybody selected stay out, in one transaction with its audit row.

    ``stamp`` is that of the people shown when everybody on a list was selected. Raises, with nothing changed:
    ``NobodySelected``, ``ChangedMeanwhile``, ``ListChanged``, ``UnknownUsers`` and ``access.Refused``.
    """
    return _move(
        contract_id,
        selection,
        FROM,
        IGNORED,
        "users.ignored",
        lambda session, ids: exclude_users(session, ids, by),
        by_user_id=by_user_id,
        stamp=stamp,
    )


def take_back(contract_id: int, selection: Selection, *, by_user_id: int, stamp: str = "") -> bulk.Done:
    """Let everybody selected wait under Pending again; the next run looks at them as at anybody.

    Raises what :func:`ignore` raises.
    """
    return _move(
        contract_id,
        selection,
        IGNORED,
        FROM,
        "users.ignoring_undone",
        admit_users,
        by_user_id=by_user_id,
        stamp=stamp,
    )


def _move(
    contract_id: int,
    selection: Selection,
    before: str,
    after: str,
    action: str,
    exclusions: Callable[[Session, list[int]], None],
    *,
    by_user_id: int,
    stamp: str,
) -> bulk.Done:
    if selection.filters.status != before:
        raise bulk.NobodySelected
    with write_transaction() as session:
        bought = bulk.lock_licences(session, contract_id)
        bulk.permissions_now(session, contract_id, by_user_id)
        links_change(session, contract_id)
        found = find(session, selection, directory_of(session, contract_id))
        ids = bulk.checked(found, selection, stamp)
        now = utcnow()
        for some in chunks(ids):
            bulk.change_status(session, contract_id, some, before=before, after=after, now=now)
            exclusions(session, some)
        names = bulk.names_of(session, contract_id, ids)
        log.record(
            session,
            action,
            contract_id=contract_id,
            details=bulk.who(ids, names),
            **bulk.target_of(ids, names),
        )
        return bulk.Done(ids, names, bought, licences_used(session, contract_id))
