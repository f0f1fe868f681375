"""The activations of a contract for their page, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.id_ranges import ids_in
from webapp.core.models import Activation
from webapp.people.directory.directory import Directory


@dataclass(frozen=True)
class Given:
    """What some of an activation got, in words."""

    people: int
    roles: list[str]
    team: str | None
    access: list[str]


def count(session: Session, contract_id: int) -> int:
    """How many activations there were."""
    return (
        session.scalar(
            sa.select(sa.func.count()).select_from(Activation).where(Activation.contract_id == contract_id)
        )
        or 0
    )


def newest(session: Session, contract_id: int, limit: int, offset: int) -> Sequence[Activation]:
    """A slice of the activations, the newest first."""
    return session.scalars(
        sa.select(Activation)
        .where(Activation.contract_id == contract_id)
        .order_by(Activation.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def given_in(made: Activation, directory: Directory) -> list[Given]:
    """Who got what; roles and teams that are gone by now are left out."""
    return [
        Given(
            len(ids_in(group["ids"])),
            directory.role_names(group["roles"]),
            next(iter(directory.team_paths([group["team"] or 0])), None),
            directory.team_paths(group["access"]),
        )
        for group in made.given
    ]
