"""From a list that was read to what a run would do with it, the same for runs, previews and questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.core.models import Integration, UserSync
from webapp.platforms.base import BadResponse, Listing, RemoteAccount, WrongAccount
from webapp.sync.plan import load_known
from webapp.sync.plan.load_rule import rule_of
from webapp.sync.plan.plan import plan_sync
from webapp.sync.plan.types import Plan, Rule, UserHere


@dataclass(frozen=True)
class Prepared:
    """A plan, the rule it follows, and the users that people without a link were compared with."""

    plan: Plan
    rule: Rule
    users: list[UserHere]


def check_account(account: RemoteAccount, integration: Integration) -> None:
    """Raises :class:`WrongAccount` unless the connection opens the account that was connected."""
    if account.id != integration.remote_account_id:
        raise WrongAccount(
            f"The connection now opens “{account.name}”, but this contract was connected to "
            f"“{integration.remote_account_name}”."
        )


def prepare(
    engine: sa.Engine,
    contract_id: int,
    settings: UserSync,
    listing: Listing,
    memory: load_known.Memory,
    people_word: str,
    tried: Sequence[str] = (),
) -> Prepared:
    """What to do about everybody but those whose record is the same: they are settled and stay as they are.

    ``tried``: email patterns to leave out besides those that are saved. Raises :class:`BadResponse` for a list that
    names somebody twice, and :class:`~webapp.sync.plan.types.IdentifierAbsent`.
    """
    integration_id = settings.integration_id
    looked_at = {memory.settled[revision] for revision in memory.settled.keys() - listing.same}
    looked_at |= {person_id for revision, person_id in memory.others if revision not in listing.same}
    with engine.connect() as connection:
        known = load_known.known_people(connection, integration_id, looked_at, memory.winners)
        linked = {entry.remote_id for entry in known if entry.user_id is not None}
        strangers = [person for person in listing.people if person.remote_id not in linked]
        others = [person.remote_id for person in strangers]
        others += [entry.remote_id for entry in listing.left_out]
        if listing.same and load_known.lists_settled(connection, integration_id, others, looked_at):
            raise BadResponse(f"The list of {people_word} names somebody twice, so it cannot be trusted.")
        rule = rule_of(connection, settings, listing, tried)
        users = load_known.users_for(connection, contract_id, integration_id, strangers, rule, memory.winners)
    return Prepared(plan_sync(listing.people, known, users, rule, same=len(listing.same)), rule, users)


def without_settled(listing: Listing, memory: load_known.Memory) -> Listing:
    """The same listing, with who was settled since the fetch counted as the same."""
    now_same = {person.revision for person in listing.people if person.revision in memory.settled}
    return Listing(
        found=listing.found,
        same=listing.same | now_same,
        people=[person for person in listing.people if person.revision not in now_same],
        left_out=listing.left_out,
        user_types=listing.user_types,
    )
