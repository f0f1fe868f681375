"""The rule a run matches by: the settings of an integration, and what people decided about its people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa

from webapp.core.models import Decision, Exclusion, UserSync
from webapp.platforms.base import Listing
from webapp.sync.plan.types import Decision as Decided
from webapp.sync.plan.types import Rule

REVISION_FORMAT = b"2"  # grows when what is remembered of a person changes its meaning


def salt_of(connection: sa.Connection, settings: UserSync, tried: Iterable[str] = ()) -> bytes:
    """Goes into every revision, so that everybody is looked at again once they are judged by other settings.

    ``tried`` are patterns besides the saved ones. Exclusions of single people and decisions are not in it: whom
    they are about is looked at in every run.
    """
    saved = connection.scalars(
        sa.select(Exclusion.value).where(
            Exclusion.integration_id == settings.integration_id, Exclusion.kind == "email"
        )
    )
    patterns = tuple(sorted({*saved, *tried}))
    judged_by = repr((settings.identifier_column, settings.left_out_types, patterns)).encode()
    return hashlib.blake2b(REVISION_FORMAT + judged_by, digest_size=32).digest()


def rule_of(
    connection: sa.Connection, settings: UserSync, listing: Listing, tried: Iterable[str] = ()
) -> Rule:
    """The rule as it is now, with the patterns ``tried`` besides.

    Types that nobody chose about are left out as the platform says.
    """
    integration_id = settings.integration_id
    if settings.left_out_types is not None:
        left_out = frozenset(settings.left_out_types)
    else:
        left_out = frozenset(user_type.key for user_type in listing.user_types if not user_type.by_default)
    exclusions = connection.execute(
        sa.select(Exclusion.kind, Exclusion.value).where(
            Exclusion.integration_id == integration_id, Exclusion.kind.in_(("person", "email"))
        )
    ).all()
    decisions = connection.execute(
        sa.select(Decision.remote_id, Decision.user_id, Decision.decided_by).where(
            Decision.integration_id == integration_id, Decision.forgotten_at.is_(None)
        )
    )
    return Rule(
        settings.identifier_column,
        left_out,
        frozenset(value for kind, value in exclusions if kind == "person"),
        tuple(sorted({*(value for kind, value in exclusions if kind == "email"), *tried})),
        {row.remote_id: Decided(row.user_id, row.decided_by) for row in decisions},
    )
