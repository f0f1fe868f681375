"""Deciding that two users are not one human; kept, so that they are never proposed again, until it is taken back."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import insert_into, write_transaction
from webapp.core.models import MergeProposal, User, table_of, utcnow
from webapp.people.merges import find_duplicates


def dismiss(contract_id: int, proposal_id: int, *, by: str) -> list[str]:
    """Never propose this pair again; their names. Harmless when somebody did before. Raises ``LookupError``."""
    with write_transaction() as session:
        proposal = _proposal(session, contract_id, proposal_id)
        names = _names(session, proposal)
        if proposal.dismissed_at is None:
            proposal.dismissed_at, proposal.dismissed_by = utcnow(), by
            _record(session, proposal, "users.not_the_same", names)
        return names


def keep_apart(session: Session, contract_id: int, one: int, other: int, *, by: str) -> None:
    """Never propose these two again, whether or not they are proposed now. Call inside a write transaction."""
    now = utcnow()
    decided = {"dismissed_at": now, "dismissed_by": by[:255]}
    session.execute(
        insert_into(session, table_of(MergeProposal))
        .values(
            contract_id=contract_id,
            first_id=min(one, other),
            second_id=max(one, other),
            evidence=[],  # the next search says what speaks for it
            strong=False,
            found_at=now,
            **decided,
        )
        .on_conflict_do_update(index_elements=["contract_id", "first_id", "second_id"], set_=decided)
    )
    find_duplicates.want(session, contract_id)


def take_back(contract_id: int, proposal_id: int) -> list[str]:
    """Let the pair be proposed again, as soon as something speaks for it; their names. Raises ``LookupError``."""
    with write_transaction() as session:
        proposal = _proposal(session, contract_id, proposal_id)
        names = _names(session, proposal)
        if proposal.dismissed_at is not None:
            proposal.dismissed_at = proposal.dismissed_by = None
            _record(session, proposal, "users.maybe_the_same", names)
            if not proposal.evidence:
                session.delete(proposal)
                find_duplicates.want(session, contract_id)
        return names


def _proposal(session: Session, contract_id: int, proposal_id: int) -> MergeProposal:
    found = session.scalars(
        sa.select(MergeProposal)
        .where(MergeProposal.id == proposal_id, MergeProposal.contract_id == contract_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise LookupError(proposal_id)
    return found


def _names(session: Session, proposal: MergeProposal) -> list[str]:
    names: dict[int, str] = dict(
        session.execute(
            sa.select(User.id, User.name).where(User.id.in_([proposal.first_id, proposal.second_id]))
        ).all()
    )
    return [names[proposal.first_id], names[proposal.second_id]]


def _record(session: Session, proposal: MergeProposal, action: str, names: list[str]) -> None:
    log.record(
        session,
        action,
        " and ".join(names),
        contract_id=proposal.contract_id,
        target_type="users",
        details={"evidence": proposal.evidence, log.IDS: f"{proposal.first_id}, {proposal.second_id}"},
    )
