"""What changing roles, the structure and the settings share: one at a time, by somebody who may, written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import rows_changed, write_transaction
from webapp.core.id_ranges import chunks
from webapp.core.models import User, UserRole, UserTeam, table_of, utcnow
from webapp.core.permissions import PERMISSIONS, Refusal, Refused
from webapp.people.directory import bulk


class ShownBefore(Exception):
    """What was shown before it was confirmed is no longer so. Nothing was changed."""


@dataclass(frozen=True)
class Editing:
    """A transaction that alone changes a contract. ``held`` is what the person may do at this moment."""

    session: Session
    contract_id: int
    held: frozenset[str]

    def need(self, permission: str) -> None:
        """Raise ``access.Refused`` unless the person may do this too."""
        if permission not in self.held:
            raise Refused(Refusal("permission", permission, PERMISSIONS[permission]))

    def record(
        self, action: str, target: str, target_type: str, target_id: int, details: dict[str, Any]
    ) -> None:
        """An audit row; details without a value are left out."""
        log.record(
            self.session,
            action,
            target,
            contract_id=self.contract_id,
            target_type=target_type,
            target_id=target_id,
            details={label: value for label, value in details.items() if value is not None},
        )

    def hand_over(
        self, people: Sequence[int], kind: type[UserRole] | type[UserTeam], lose: Sequence[int], get: int
    ) -> dict[str, Any]:
        """Give ``people`` the role or team ``get`` in place of those in ``lose``; who they were, for the audit row."""
        owned = table_of(kind)
        thing = owned.c.role_id if kind is UserRole else owned.c.team_id
        for ids in chunks(people):
            already = sa.select(owned.c.user_id).where(thing == get, owned.c.user_id.in_(ids))
            newcomers = sa.select(User.id, sa.literal(get), User.contract_id).where(
                User.id.in_(ids), User.contract_id == self.contract_id, User.id.not_in(already)
            )
            self.session.execute(
                sa.insert(owned).from_select(["user_id", thing.key, "contract_id"], newcomers)
            )
            rows_changed(self.session, sa.delete(owned).where(owned.c.user_id.in_(ids), thing.in_(lose)))
            rows_changed(self.session, sa.update(User).where(User.id.in_(ids)).values(changed_at=utcnow()))
        return bulk.who(people, bulk.names_of(self.session, self.contract_id, people))


@contextmanager
def editing(contract_id: int, by_user_id: int, permission: str) -> Iterator[Editing]:
    """Change a contract while nobody else does. Raises ``access.Refused`` without ``permission``."""
    with write_transaction() as session:
        bulk.lock_licences(session, contract_id)
        yield Editing(
            session, contract_id, bulk.permissions_now(session, contract_id, by_user_id, permission)
        )


def stamp_of(*groups: Sequence[int]) -> str:
    """Differs when other things or people are shown: how many there are, and the sum of their IDs."""
    return ".".join(f"{len(ids)}-{sum(ids)}" for ids in groups)
