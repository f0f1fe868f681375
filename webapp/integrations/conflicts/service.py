"""Deciding about people in conflict: one transaction with its audit row; the next run does as decided."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.models import Decision, Integration, Person, User, db, utcnow
from webapp.core.models.user import MERGED
from webapp.integrations.conflicts.move_link import give_back, let_go
from webapp.integrations.conflicts.queries import is_decided
from webapp.sync.exclusions import exclude_person

NEW, EXCLUDE = "new", "exclude"


class NoLongerInConflict(Exception):
    """Somebody decided already, or a run has placed the person meanwhile; ``names`` are theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class CandidateTaken(Exception):
    """The chosen user is linked to, or was promised to, another person of the platform."""

    def __init__(self, user_name: str) -> None:
        super().__init__(user_name)
        self.user_name = user_name


def is_here(contract_id: int, person_id: int) -> bool:
    """Whether there is such a person in the contract."""
    found = db.session.scalar(
        sa.select(Person.id).where(Person.id == person_id, Person.contract_id == contract_id)
    )
    return found is not None


def link(contract_id: int, person_id: int, user_id: int, *, by: str) -> str:
    """Decide that the person is the user; the user's name.

    Raises :class:`NoLongerInConflict`, :class:`CandidateTaken`, or ``LookupError`` for a user who is no
    candidate or was removed when a run was undone.
    """
    with write_transaction() as session:
        _lock_integration(session, contract_id, person_id)
        person = _in_conflict(session, contract_id, [person_id])[0]
        if user_id not in (person.detail or {}).get("candidates", []):
            raise LookupError(user_id)
        user = session.scalars(
            sa.select(User).where(User.id == user_id, User.contract_id == contract_id).with_for_update()
        ).one_or_none()
        if user is None:
            raise LookupError(user_id)
        if user.status == MERGED:
            raise CandidateTaken(user.name)
        moved_from = let_go(session, person, user_id)
        if _is_taken(session, person, user_id):
            raise CandidateTaken(user.name)
        _decide(session, person, user_id, by, moved_from)
        details = {"decision": f"is the user {user.name}", "reason": person.reason}
        _record(session, person, details | ({"link moved from ID": moved_from} if moved_from else {}))
        return user.name


def import_as_new(contract_id: int, person_ids: Sequence[int], *, by: str) -> int:
    """Decide that these people are nobody who is here yet; how many. Raises :class:`NoLongerInConflict`."""
    with write_transaction() as session:
        people = _in_conflict(session, contract_id, person_ids)
        for person in people:
            _decide(session, person, None, by)
            _record(session, person, {"decision": "is someone new", "reason": person.reason})
        return len(people)


def exclude(contract_id: int, person_ids: Sequence[int], *, by: str) -> int:
    """Decide that these people stay out; how many. Raises :class:`NoLongerInConflict`."""
    with write_transaction() as session:
        people = _in_conflict(session, contract_id, person_ids)
        for person in people:
            exclude_person(session, person, by)
            _record(session, person, {"decision": "stays out", "reason": person.reason})
        return len(people)


def forget(contract_id: int, decision_id: int) -> str:
    """Let a decision count no more; the person's name. Raises ``LookupError``."""
    with write_transaction() as session:
        decision = session.scalars(
            sa.select(Decision)
            .where(Decision.id == decision_id, Decision.contract_id == contract_id)
            .with_for_update()
        ).one_or_none()
        if decision is None:
            raise LookupError(decision_id)
        if decision.forgotten_at is not None:
            return decision.person_name
        decision.forgotten_at = utcnow()
        details = {"decided by": decision.decided_by}
        if give_back(session, decision):
            details["link moved back to ID"] = decision.moved_from or ""
        log.record(
            session,
            "conflict.forgotten",
            decision.person_name,
            contract_id=contract_id,
            target_type="person",
            target_id=session.scalar(
                sa.select(Person.id).where(
                    Person.integration_id == decision.integration_id, Person.remote_id == decision.remote_id
                )
            ),
            details=details,
        )
        return decision.person_name


def _lock_integration(session: Session, contract_id: int, person_id: int) -> None:
    """Wait until no run writes a batch: whoever is linked to whom stays so from here on."""
    session.execute(
        sa.select(Integration.id)
        .join(Person, Person.integration_id == Integration.id)
        .where(Person.id == person_id, Integration.contract_id == contract_id)
        .with_for_update(of=Integration, key_share=True)
    )


def _in_conflict(session: Session, contract_id: int, person_ids: Sequence[int]) -> list[Person]:
    """The people, locked in the order of their ids. Raises :class:`NoLongerInConflict` or ``LookupError``."""
    wanted = sorted(set(person_ids))
    people = list(
        session.scalars(
            sa.select(Person)
            .where(Person.contract_id == contract_id, Person.id.in_(wanted))
            .order_by(Person.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
    if len(people) != len(wanted):
        raise LookupError(wanted)
    decided = set(session.scalars(sa.select(Person.id).where(Person.id.in_(wanted), is_decided())))
    gone = [
        person.name or person.remote_id
        for person in people
        if person.outcome != "conflict" or person.id in decided
    ]
    if gone:
        raise NoLongerInConflict(gone)
    return people


def _is_taken(session: Session, person: Person, user_id: int) -> bool:
    linked = sa.select(Person.id).where(
        Person.integration_id == person.integration_id, Person.user_id == user_id, Person.id != person.id
    )
    promised = sa.select(Decision.id).where(
        Decision.integration_id == person.integration_id,
        Decision.user_id == user_id,
        Decision.remote_id != person.remote_id,
        Decision.forgotten_at.is_(None),
    )
    return session.scalar(sa.select(sa.or_(linked.exists(), promised.exists()))) is True


def _decide(
    session: Session, person: Person, user_id: int | None, by: str, moved_from: str | None = None
) -> None:
    session.add(
        Decision(
            contract_id=person.contract_id,
            integration_id=person.integration_id,
            remote_id=person.remote_id,
            person_name=person.name or person.email or person.remote_id,
            reason=person.reason or "",
            user_id=user_id,
            moved_from=moved_from,
            decided_by=by,
        )
    )


def _record(session: Session, person: Person, details: dict[str, str | None]) -> None:
    log.record(
        session,
        "conflict.decided",
        person.name or person.email or person.remote_id,
        contract_id=person.contract_id,
        target_type="person",
        target_id=person.id,
        details=details,
    )
