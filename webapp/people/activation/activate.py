"""Activating pending users, and inactive ones again: all of a batch or nobody, within the licence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.core.audit import log as audit_log
from webapp.core.contracts import licences_used
from webapp.core.database import write_transaction
from webapp.core.id_ranges import chunks
from webapp.core.models import ReportingAccess, Role, Team, User, UserRole, UserTeam, utcnow
from webapp.people.activation.record import note_activation, standing_before
from webapp.people.bulk.audit_details import given
from webapp.people.directory import bulk
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.directory.giving import giver_now
from webapp.people.directory.selection import Selection, find
from webapp.people.directory.setup import NOTHING, Giver, SetUp, beyond, lacking, unseen
from webapp.people.invitations import send

FROM = ("pending", "inactive")  # who can be activated


class SetUpIncomplete(Exception):
    """Roles, team or reporting access are missing; ``gaps`` are the keys of ``set_up.lacking``."""

    def __init__(self, gaps: Sequence[str]) -> None:
        super().__init__(", ".join(gaps))
        self.gaps = gaps


class NotInContract(Exception):
    """A role or team of the set-up is not (any more) one of the contract, or is archived."""


class Beyond(Exception):
    """More than whoever gives it has themselves: roles that permit what they may not do, or teams they do not see."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class LicencesExceeded(Exception):
    """The batch needs more licences than are free. Nobody was activated."""

    def __init__(self, *, bought: int, used: int, wanted: int) -> None:
        super().__init__(f"{wanted} wanted, {used} of {bought} used")
        self.bought = bought
        self.used = used
        self.wanted = wanted


def activate(
    contract_id: int,
    selection: Selection,
    set_up: SetUp,
    *,
    by_user_id: int,
    stamp: str = "",
    invite: bool = False,
) -> bulk.Done:
    """Make everybody selected active with the same set-up, in one transaction with its audit row.

    ``invite`` mails those who cannot sign in yet an invitation. ``stamp`` is that of the people shown when
    everybody on a list was selected. Raises, with nothing changed: :class:`SetUpIncomplete`,
    :class:`NotInContract`, :class:`Beyond`, :class:`LicencesExceeded`, ``NobodySelected``,
    ``ChangedMeanwhile``, ``ListChanged``, ``UnknownUsers`` and ``access.Refused``.
    """
    return _activate(
        contract_id,
        selection,
        {set_up},
        lambda found: {set_up: found},
        by_user_id=by_user_id,
        stamp=stamp,
        invite=invite,
    )


def activate_each(
    contract_id: int,
    selection: Selection,
    set_ups: Mapping[int, SetUp],
    *,
    by_user_id: int,
    invite: bool = False,
) -> bulk.Done:
    """As :func:`activate`, each with the set-up under their ID. ``selection`` names people one by one.

    Raises ``KeyError`` when somebody of them has no set-up, and what :func:`activate` raises.
    """

    def grouped(found: list[int]) -> dict[SetUp, list[int]]:
        groups: dict[SetUp, list[int]] = {}
        for user_id in found:
            groups.setdefault(set_ups[user_id], []).append(user_id)
        return groups

    return _activate(
        contract_id, selection, set(set_ups.values()), grouped, by_user_id=by_user_id, stamp="", invite=invite
    )


def _activate(
    contract_id: int,
    selection: Selection,
    set_ups: Collection[SetUp],
    grouped: Callable[[list[int]], Mapping[SetUp, list[int]]],
    *,
    by_user_id: int,
    stamp: str,
    invite: bool,
) -> bulk.Done:
    before_status = selection.filters.status
    if before_status not in FROM:
        raise bulk.NobodySelected
    with write_transaction() as session:
        bought = bulk.lock_licences(session, contract_id)
        directory = directory_of(session, contract_id)
        giver = giver_now(session, directory, by_user_id)
        for set_up in set_ups:
            check_set_up(set_up, directory, giver)
        found = bulk.checked(find(session, selection, directory), selection, stamp)
        used = licences_used(session, contract_id)
        if used + len(found) > bought:
            raise LicencesExceeded(bought=bought, used=used, wanted=len(found))
        now = utcnow()
        before = standing_before(session, contract_id, found)
        groups = grouped(found)
        for set_up, people in groups.items():
            for ids in chunks(people):
                bulk.change_status(session, contract_id, ids, before=before_status, after="active", now=now)
                give(session, ids, set_up)
        # of those who all got the same, the first; of the others each, so that the log says who got what
        names = bulk.names_of(session, contract_id, found, bulk.NAMED if len(groups) == 1 else len(found))
        _record(session, before_status, found, names, groups, directory)
        made = note_activation(
            session,
            contract_id,
            before_status=before_status,
            at=now,
            by_user_id=by_user_id,
            given=[(people, set_up) for set_up, people in groups.items()],
            first_name=names[0],
            before=before,
        )
        invited = send.invite(session, contract_id, found, by_user_id).ids if invite else []
        return bulk.Done(found, names, bought, used + len(found), made.id, len(invited))


def check_set_up(set_up: SetUp, directory: Directory, giver: Giver, *, has: SetUp | None = None) -> None:
    """Raises :class:`NotInContract`, :class:`SetUpIncomplete` or :class:`Beyond`.

    Whoever ``has`` an archived team, or access to more than the giver sees, already may keep it.
    """
    teams = {team.id for team in directory.open_teams} | (has.teams if has is not None else set())
    if not (set_up.roles <= directory.role_by_id.keys() and set_up.teams <= teams):
        raise NotInContract
    gaps = lacking(set_up.roles, set_up.team is not None, bool(set_up.access), directory)
    if gaps:
        raise SetUpIncomplete(gaps)
    too_much = beyond(set_up.roles, giver.permissions, directory)
    hidden = unseen(set_up.access, giver, directory, has=has.access if has is not None else NOTHING)
    if too_much or hidden:
        raise Beyond([role.name for role in too_much] + [team.path for team in hidden])


def give(session: Session, user_ids: list[int], set_up: SetUp) -> None:
    """Give users who have nothing the roles, the team and the reporting access."""
    _give(session, user_ids, Role, UserRole, UserRole.role_id, set_up.roles)
    _give(session, user_ids, Team, UserTeam, UserTeam.team_id, {set_up.team} - {None})
    _give(session, user_ids, Team, ReportingAccess, ReportingAccess.team_id, set_up.access)


def _give(
    session: Session,
    user_ids: list[int],
    kind: type[Role] | type[Team],
    owned: type[UserRole] | type[UserTeam] | type[ReportingAccess],
    column: InstrumentedAttribute[int],
    things: Collection[int | None],
) -> None:
    """Insert one row for each user and each thing, in one statement."""
    if not things:
        return
    pairs = sa.select(User.id, kind.id, User.contract_id).where(
        User.id.in_(user_ids), kind.id.in_(things), kind.contract_id == User.contract_id
    )
    session.execute(sa.insert(owned).from_select(["user_id", column.key, "contract_id"], pairs))


def _record(
    session: Session,
    before_status: str,
    ids: list[int],
    names: list[str],
    groups: Mapping[SetUp, list[int]],
    directory: Directory,
) -> None:
    audit_log.record(
        session,
        "users.activated" if before_status == "pending" else "users.reactivated",
        contract_id=directory.contract_id,
        details=given(ids, names, groups, directory),
        **bulk.target_of(ids, names),
    )
