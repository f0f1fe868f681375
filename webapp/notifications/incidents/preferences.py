"""Who gets which mail: what each user chose, else the default, and always only those who can act."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import insert_into, write_transaction
from webapp.core.models import (
    Account,
    ContractFeature,
    NotificationChoice,
    Role,
    RolePermission,
    User,
    UserRole,
    db,
    table_of,
)
from webapp.core.permissions import Access
from webapp.notifications.incidents.kinds import KINDS, Kind

DEFAULT_ROLE = "administrator"


def offered(access: Access) -> list[Kind]:
    """The kinds of mail this person can have."""
    return [kind for kind in KINDS.values() if kind.fits(access)]


def chosen(access: Access) -> set[str]:
    """The keys of the kinds this person gets now."""
    explicit = dict(
        db.session.execute(
            sa.select(NotificationChoice.kind, NotificationChoice.wanted).where(
                NotificationChoice.contract_id == access.contract.id,
                NotificationChoice.user_id == access.user.id,
            )
        ).all()
    )
    administrator = bool(db.session.scalar(sa.select(_is_administrator(access.user.id))))
    return {kind.key for kind in offered(access) if explicit.get(kind.key, kind.by_default and administrator)}


def save(access: Access, wanted: set[str]) -> bool:
    """Keep what this person chose among the kinds offered; whether that changed anything."""
    before = chosen(access)
    kinds = offered(access)
    after = {kind.key for kind in kinds if kind.key in wanted}
    if before == after:
        return False
    with write_transaction() as session:
        insert = insert_into(session, table_of(NotificationChoice))
        session.execute(
            insert.on_conflict_do_update(
                index_elements=["contract_id", "user_id", "kind"], set_={"wanted": insert.excluded.wanted}
            ),
            [
                {
                    "contract_id": access.contract.id,
                    "user_id": access.user.id,
                    "kind": kind.key,
                    "wanted": kind.key in wanted,
                }
                for kind in kinds
            ],
        )
        log.record(
            session,
            "notifications.changed",
            access.user.name,
            contract_id=access.contract.id,
            target_type="user",
            target_id=access.user.id,
            details={"mails": log.changed(_labels(before), _labels(after))},
        )
    return True


def recipients(session: Session, contract_id: int, kind: Kind) -> list[str]:
    """The addresses of everyone who can act on this kind of news, and wants to hear of it."""
    wanted = sa.case(
        (NotificationChoice.wanted.is_not(None), NotificationChoice.wanted),
        else_=_is_administrator(User.id) if kind.by_default else sa.false(),
    )
    statement = (
        sa.select(Account.email)
        .join(User, User.account_id == Account.id)
        .outerjoin(
            NotificationChoice,
            sa.and_(NotificationChoice.user_id == User.id, NotificationChoice.kind == kind.key),
        )
        .where(
            User.contract_id == contract_id,
            User.status == "active",
            Account.disabled_at.is_(None),
            sa.exists()
            .where(
                UserRole.user_id == User.id,
                RolePermission.role_id == UserRole.role_id,
                RolePermission.permission == kind.permission,
            )
            .correlate(User),
            wanted,
        )
        .order_by(Account.id)
    )
    if kind.feature is not None:
        statement = statement.where(
            sa.exists().where(
                ContractFeature.contract_id == contract_id, ContractFeature.feature == kind.feature
            )
        )
    return list(session.scalars(statement))


def _is_administrator(user_id: int | sa.orm.InstrumentedAttribute[int]) -> sa.Exists:
    return sa.exists().where(
        UserRole.user_id == user_id, Role.id == UserRole.role_id, Role.key == DEFAULT_ROLE
    )


def _labels(keys: set[str]) -> list[str]:
    return [kind.label for kind in KINDS.values() if kind.key in keys]
