"""A small world for the pure tests: people there, and a way to apply a plan to what is known here."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from webapp.core.match_keys import match_key
from webapp.platforms.base import Person
from webapp.sync.plan.plan import plan_sync
from webapp.sync.plan.types import Kind, Known, Plan, Rule, UserHere


def person(
    remote_id: str, name: str | None = "Ada Lovelace", email: str | None = None, **columns: str
) -> Person:
    """A listed person whose revision digests everything else."""
    values = {"id": remote_id} | ({"email": email} if email else {}) | columns
    revision = blake2b(
        repr((remote_id, name, email, sorted(values.items()))).encode(), digest_size=16
    ).digest()
    return Person(remote_id, revision, name=name, email=email, columns=values)


def user(
    user_id: int,
    name: str,
    username: str,
    email: str | None = None,
    third_party: str | None = None,
    **more: object,
) -> UserHere:
    """A user of the contract."""
    return UserHere(
        user_id, name, match_key(username) or "", match_key(email), match_key(third_party), **more
    )  # type: ignore[arg-type]


@dataclass
class World:
    """What is known here, changed by applying plans the way the database would be."""

    users: dict[int, UserHere] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)

    def plan(self, people: list[Person], rule: Rule | None = None) -> Plan:
        return plan_sync(people, list(self.known.values()), list(self.users.values()), rule or Rule())

    def apply(self, plan: Plan) -> None:
        for step in plan.steps:
            entry = self.known.get(step.remote_id)
            if step.kind is Kind.MISSING:
                assert entry is not None
                self.known[step.remote_id] = Known(
                    entry.person_id,
                    entry.remote_id,
                    entry.name,
                    entry.email,
                    entry.user_id,
                    entry.user_name,
                    missing=True,
                )
                continue
            user_id = step.user_id
            if step.kind is Kind.IMPORT:
                user_id = max(self.users, default=0) + 1
                self.users[user_id] = user(
                    user_id, step.name, step.username or "", step.email, step.remote_id
                )
            name = step.after or (self.users[user_id].name if user_id else None)
            if user_id:
                here = self.users[user_id]
                self.users[user_id] = UserHere(
                    user_id,
                    name or here.name,
                    here.username_key,
                    here.email_key,
                    here.third_party_key,
                    linked_to=step.remote_id,
                    inactive=here.inactive,
                )
            person_id = entry.person_id if entry else len(self.known) + 1
            self.known[step.remote_id] = Known(
                person_id, step.remote_id, step.name, step.email, user_id, name
            )

    def links(self) -> dict[str, int]:
        """User by remote ID."""
        return {key: entry.user_id for key, entry in self.known.items() if entry.user_id is not None}

    def names(self) -> dict[str, tuple[str, str]]:
        """Name and username of each linked user by remote ID."""
        return {
            key: (self.users[user_id].name, self.users[user_id].username_key)
            for key, user_id in self.links().items()
        }
