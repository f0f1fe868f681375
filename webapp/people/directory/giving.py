"""Who may give what: what somebody may do and sees at this moment, and who has more than that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import ReportingAccess, Role, UserRole
from webapp.people.activation.deactivate import administrators_who_sign_in
from webapp.people.directory import bulk
from webapp.people.directory.directory import ADMINISTRATOR, Directory
from webapp.people.directory.setup import Giver, beyond, unseen


def giver_now(session: Session, directory: Directory, user_id: int) -> Giver:
    """What the acting user may give at this moment. Raises ``access.Refused`` unless they may manage users."""
    permissions = bulk.permissions_now(session, directory.contract_id, user_id)
    return Giver(permissions, seen_by(session, directory, user_id))


def seen_by(session: Session, directory: Directory, user_id: int) -> frozenset[int]:
    """The teams whose figures a user sees.

    An administrator sees everything while no administrator who can sign in does: a new team at the top, which
    nobody sees yet, has to be given by somebody.
    """
    own = _below(directory, _access_of(session, directory, [user_id])[user_id])
    if _is_whole(own, directory) or not _is_administrator(session, user_id):
        return own
    colleagues = session.scalars(administrators_who_sign_in(directory.contract_id)).all()
    seen = _access_of(session, directory, colleagues)
    if any(_is_whole(_below(directory, seen[one]), directory) for one in colleagues):
        return own
    return frozenset(directory.team_by_id)


def who_has_more(session: Session, user_ids: Collection[int], directory: Directory, giver: Giver) -> set[int]:
    """Which of the users may do, or see, what the giver may not."""
    higher = [role.id for role in beyond(directory.role_by_id, giver.permissions, directory)]
    hidden = [team.id for team in unseen(directory.team_by_id, giver, directory)]
    found: set[int] = set()
    for column, owner, beyond_them in (
        (UserRole.role_id, UserRole.user_id, higher),
        (ReportingAccess.team_id, ReportingAccess.user_id, hidden),
    ):
        if beyond_them:
            found.update(
                session.scalars(sa.select(owner).where(owner.in_(user_ids), column.in_(beyond_them)))
            )
    return found


def _access_of(session: Session, directory: Directory, user_ids: Collection[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for user_id, team_id in session.execute(
        sa.select(ReportingAccess.user_id, ReportingAccess.team_id).where(
            ReportingAccess.contract_id == directory.contract_id, ReportingAccess.user_id.in_(user_ids)
        )
    ):
        found[user_id].add(team_id)
    return found


def _below(directory: Directory, team_ids: Collection[int]) -> frozenset[int]:
    return frozenset(directory.with_below(*team_ids))


def _is_whole(seen: frozenset[int], directory: Directory) -> bool:
    return all(team.id in seen for team in directory.open_teams)


def _is_administrator(session: Session, user_id: int) -> bool:
    found = sa.select(UserRole.user_id).join(Role, Role.id == UserRole.role_id)
    return session.scalar(found.where(UserRole.user_id == user_id, Role.key == ADMINISTRATOR)) is not None
