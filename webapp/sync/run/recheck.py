"""Which part of a plan still holds after somebody changed users or links here: everybody who is not concerned.

The plan of a few people is made again from what is stored now, in the transaction that writes them and while nobody
can change a link. Who comes out the same is written; the others wait for the next plan. What a person does to
somebody else thereby counts as done after this batch, and neither would have come out differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.core.models import UserSync
from webapp.platforms.base import Listing
from webapp.sync.plan import load_known
from webapp.sync.plan.load_rule import rule_of
from webapp.sync.plan.plan import plan_sync
from webapp.sync.plan.types import Kind, Known, Rule, Step


@dataclass(frozen=True)
class Basis:
    """What a plan was made with: the contract, the settings, the list, its rule, and whose names win."""

    contract_id: int
    settings: UserSync
    listing: Listing
    rule: Rule
    winners: Sequence[int]

    def still_so(self, connection: sa.Connection, steps: Sequence[Step]) -> list[Step]:
        """Those of ``steps`` that a plan made now would hold as well."""
        integration_id = self.settings.integration_id
        rule = rule_of(connection, self.settings, self.listing)
        ids = {step.person_id for step in steps if step.person_id is not None}
        known = {
            entry.remote_id: entry
            for entry in load_known.known_people(connection, integration_id, ids, self.winners)
        }
        people = [step.person for step in steps if step.person is not None]
        strangers = [person for person in people if not _linked(known.get(person.remote_id))]
        users = load_known.users_for(
            connection, self.contract_id, integration_id, strangers, rule, self.winners
        )
        planned = plan_sync(people, known.values(), users, rule, same=1)
        now = {step.remote_id: step for step in planned.steps}
        return [
            step
            for step in steps
            if now.get(step.remote_id) == step
            or (step.kind is Kind.CONFLICT and self._undecided(step, known.get(step.remote_id), rule))
        ]

    def _undecided(self, step: Step, entry: Known | None, rule: Rule) -> bool:
        """Whether a conflict may stand: others of the list take part in it, who are not looked at here."""
        return (
            not _linked(entry)
            and step.person is not None
            and rule.leaves_out(step.person) is None
            and rule.decisions.get(step.remote_id) == self.rule.decisions.get(step.remote_id)
        )


def _linked(entry: Known | None) -> bool:
    return entry is not None and entry.user_id is not None
