"""Reading proposals, merges and two users side by side for the pages, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from webapp.core.match_keys import match_key
from webapp.core.models import Account, Merge, MergeProposal, User, db, is_here
from webapp.core.models.user import MERGED
from webapp.people.directory.directory import Directory
from webapp.people.directory.rows import UserRow, rows_of
from webapp.people.merges.find_duplicates import EMAIL, IDENTIFIER, NAME
from webapp.web.paging import Page, page_of

EVIDENCE: dict[str, str] = {
    EMAIL: "Same email",
    IDENTIFIER: "One’s ID stands in the other’s record",
    NAME: "Same name and email domain",
}


NOTHING = ("None", "No email", "Cannot sign in")  # of both: a line that says nothing


@dataclass(frozen=True)
class Line:
    """One thing about both users. ``agrees`` is ``None`` where there is nothing to compare."""

    label: str
    first: str
    second: str
    agrees: bool | None = None


@dataclass(frozen=True)
class Pair:
    """Two users side by side."""

    first: UserRow
    second: UserRow
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ProposalRow:
    """One pair that looks like one human."""

    proposal_id: int
    pair: Pair
    evidence: tuple[str, ...]
    strong: bool
    found_at: datetime
    dismissed_at: datetime | None
    dismissed_by: str | None


@dataclass(frozen=True)
class MergeRow:
    """One merge in force or undone."""

    merge_id: int
    gone_id: int
    gone_name: str
    kept_id: int
    kept_name: str
    kept_is_gone: bool
    merged_at: datetime
    merged_by: str
    undone_at: datetime | None
    undone_by: str | None


def open_count(contract_id: int) -> int:
    """How many pairs wait for somebody's decision."""
    return _count(_proposals(contract_id, dismissed=False))


def dismissed_count(contract_id: int) -> int:
    return _count(_proposals(contract_id, dismissed=True))


def merge_count(contract_id: int) -> int:
    return _count(sa.select(Merge.id).where(Merge.contract_id == contract_id))


def proposals(directory: Directory, *, dismissed: bool, total: int) -> tuple[list[ProposalRow], Page]:
    """The page of pairs that the request asks for: strong evidence first, then the longest known."""
    page = page_of(total)
    found = db.session.scalars(
        sa.select(MergeProposal)
        .where(MergeProposal.id.in_(_proposals(directory.contract_id, dismissed=dismissed)))
        .order_by(MergeProposal.strong.desc(), MergeProposal.id)
        .limit(page.size)
        .offset(page.offset)
    ).all()
    pairs = pairs_of(db.session(), [(one.first_id, one.second_id) for one in found], directory)
    return [
        ProposalRow(
            one.id,
            pairs[one.first_id, one.second_id],
            tuple(EVIDENCE.get(kind, kind) for kind in one.evidence),
            one.strong,
            one.found_at,
            one.dismissed_at,
            one.dismissed_by,
        )
        for one in found
        if (one.first_id, one.second_id) in pairs
    ], page


def merges(contract_id: int, *, total: int) -> tuple[list[MergeRow], Page]:
    """The page of merges that the request asks for, the newest first."""
    page = page_of(total)
    statement = _merges(contract_id).order_by(Merge.id.desc()).limit(page.size).offset(page.offset)
    return [_merge_row(merge, user) for merge, user in db.session.execute(statement)], page


def merged_into(session: Session, contract_id: int, user_ids: Sequence[int]) -> list[MergeRow]:
    """The merges in force that made these users what they are, the newest first."""
    statement = _merges(contract_id).where(Merge.kept_id.in_(user_ids), Merge.undone_at.is_(None))
    return [_merge_row(merge, user) for merge, user in session.execute(statement.order_by(Merge.id.desc()))]


def evidence_for(session: Session, contract_id: int, one: int, other: int) -> tuple[str, ...]:
    """What speaks for these two being one human, as the last search found it."""
    found = session.scalar(
        sa.select(MergeProposal.evidence).where(
            MergeProposal.contract_id == contract_id,
            MergeProposal.first_id == min(one, other),
            MergeProposal.second_id == max(one, other),
        )
    )
    return tuple(EVIDENCE.get(kind, kind) for kind in found or ())


def others(directory: Directory, user_id: int, q: str) -> tuple[list[UserRow], Page]:
    """Everybody else whose name, username, email or ID holds ``q``; nobody without one."""
    needle = match_key(q)
    if not needle:
        return [], page_of(0)
    statement = sa.select(User.id).where(
        User.contract_id == directory.contract_id,
        is_here(),
        User.id != user_id,
        User.search_key.contains(needle, autoescape=True),
    )
    page = page_of(_count(statement))
    ids = db.session.scalars(
        statement.order_by(User.search_key, User.id).limit(page.size).offset(page.offset)
    ).all()
    return rows_of(db.session(), ids, directory), page


def pairs_of(
    session: Session, wanted: Sequence[tuple[int, int]], directory: Directory
) -> dict[tuple[int, int], Pair]:
    """Those pairs side by side, as far as both are users of the contract."""
    ids = sorted({user_id for pair in wanted for user_id in pair})
    rows = {row.id: row for row in rows_of(session, ids, directory)}
    accounts: dict[int, str] = dict(
        session.execute(
            sa.select(User.id, Account.email)
            .join(Account, Account.id == User.account_id)
            .where(User.contract_id == directory.contract_id, User.id.in_(ids))
        ).all()
    )
    return {
        (one, other): Pair(rows[one], rows[other], _compare(rows[one], rows[other], accounts))
        for one, other in wanted
        if one in rows and other in rows
    }


def _compare(one: UserRow, other: UserRow, accounts: dict[int, str]) -> tuple[Line, ...]:
    def line(label: str, first: str | None, second: str | None, nothing: str, *, judged: bool = True) -> Line:
        a, b = match_key(first), match_key(second)
        return Line(label, first or nothing, second or nothing, a == b if judged and a and b else None)

    def what(label: str, first: str, second: str) -> Line:
        return line(label, first, second, "None", judged=False)

    lines = (
        line("Name", one.name, other.name, ""),
        line("Email", one.email, other.email, "No email"),
        line("Username", one.username, other.username, ""),
        line("Third-party ID", one.third_party_id, other.third_party_id, "None"),
        what("Linked to", _links(one), _links(other)),
        what("Status", one.status.capitalize(), other.status.capitalize()),
        what("Licence", _licence(one), _licence(other)),
        what("Roles", ", ".join(one.roles), ", ".join(other.roles)),
        what("Team", ", ".join(t.path for t in one.teams), ", ".join(t.path for t in other.teams)),
        line("Signs in as", accounts.get(one.id), accounts.get(other.id), "Cannot sign in", judged=False),
    )
    return tuple(one for one in lines if one.first != one.second or one.first not in NOTHING)


def _links(user: UserRow) -> str:
    return "; ".join(
        f"{link.name or 'no name'} in {link.platform.label} (ID {link.remote_id})"
        + (", no longer listed" if link.missing_since else "")
        for link in user.links
    )


def _licence(user: UserRow) -> str:
    return "Takes one" if user.status == "active" else "Takes none"


def _proposals(contract_id: int, *, dismissed: bool) -> sa.Select[int]:
    """The IDs of pairs of which both are somebody still."""
    first, second = aliased(User), aliased(User)
    decided = MergeProposal.dismissed_at.is_not(None) if dismissed else MergeProposal.dismissed_at.is_(None)
    return (
        sa.select(MergeProposal.id)
        .join(first, first.id == MergeProposal.first_id)
        .join(second, second.id == MergeProposal.second_id)
        .where(
            MergeProposal.contract_id == contract_id,
            decided,
            first.status != MERGED,
            second.status != MERGED,
        )
    )


def _merges(contract_id: int) -> sa.Select[Merge, User]:
    return sa.select(Merge, User).join(User, User.id == Merge.kept_id).where(Merge.contract_id == contract_id)


def _merge_row(merge: Merge, kept: User) -> MergeRow:
    return MergeRow(
        merge.id,
        merge.gone_id,
        merge.gone_name,
        kept.id,
        kept.name,
        kept.status == MERGED,
        merge.merged_at,
        merge.merged_by,
        merge.undone_at,
        merge.undone_by,
    )


def _count(statement: sa.Select[int]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(statement.subquery())) or 0
