"""Who a user is: name, username, email and third-party ID, and who else has one of them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.match_keys import match_key, user_keys
from webapp.core.models import User, is_here


@dataclass(frozen=True)
class Identity:
    """What is written into a form about who somebody is."""

    name: str
    username: str
    email: str | None
    third_party_id: str | None

    def keys(self) -> dict[str, str | None]:
        """The forms of it that are compared."""
        return user_keys(
            name=self.name,
            username=self.username,
            email=self.email,
            third_party_id=self.third_party_id,
        )


class UsernameTaken(Exception):
    """Somebody of the contract has the username. Nothing was changed."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(name)
        self.name = name
        self.status = status


def identity_of(user: User) -> Identity:
    return Identity(user.name, user.username, user.email, user.third_party_id)


def check_username(session: Session, contract_id: int, username: str, *, but: int | None = None) -> None:
    """Raises :class:`UsernameTaken` if somebody other than the user ``but`` has it."""
    holder = session.execute(
        sa.select(User.name, User.status).where(
            User.contract_id == contract_id,
            User.username_key == (match_key(username) or ""),
            is_here(),
            User.id != (but or 0),
        )
    ).first()
    if holder is not None:
        raise UsernameTaken(holder.name, holder.status)


def alike(session: Session, contract_id: int, user_id: int) -> list[str]:
    """Names of up to three others with the same email or third-party ID: a sync could not tell them apart."""
    user = session.get_one(User, user_id)
    same = [
        column == value
        for column, value in ((User.email_key, user.email_key), (User.third_party_key, user.third_party_key))
        if value
    ]
    if not same:
        return []
    return list(
        session.scalars(
            sa.select(User.name)
            .where(User.contract_id == contract_id, User.id != user_id, is_here(), sa.or_(*same))
            .order_by(User.name, User.id)
            .limit(3)
        )
    )
