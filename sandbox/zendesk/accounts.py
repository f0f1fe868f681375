"""The accounts of this Zendesk and who works in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from sandbox.faults import BadOrder
from sandbox.store import Record, Store
from sandbox.zendesk.agents import OWNER, agents

KIND = "user"
SUBDOMAINS = {"kestrel": 264, "harbour": 120}  # and how many agents each has by default
ROLES = {
    16: "Tier 2 specialist",
    17: "Returns desk",
    18: "Light agent",
}  # custom roles; the last one is Zendesk's own for light agents


class Accounts:
    """Users are kept as the JSON that is served."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._seed = seed

    def fill(self) -> None:
        """Give every new account its default agents."""
        for subdomain in SUBDOMAINS:
            if not self._store.filled(subdomain):
                self.reset(subdomain)

    def reset(self, subdomain: str) -> int:
        """The default agents again; how many there are."""
        count = SUBDOMAINS[subdomain]
        return self.replace(subdomain, agents(count, self._seed + len(subdomain), subdomain, odd=True))

    def generate(self, subdomain: str, count: int, seed: int) -> int:
        return self.replace(subdomain, agents(count, seed, subdomain, odd=False))

    def replace(self, subdomain: str, users: Iterable[Any]) -> int:
        """Put ``users`` (objects as in GET /api/v2/users) in place of all. Raises :class:`BadOrder`."""
        seen: set[str] = set()

        def records() -> Iterator[Record]:
            for user in users:
                record = record_of(user)
                if record.id in seen:
                    raise BadOrder(f"two users have the id {record.id}; ids must differ.")
                seen.add(record.id)
                yield record

        return self._store.replace(subdomain, KIND, records())

    def change(self, subdomain: str, id_: str, values: dict[str, Any]) -> bytes | None:
        """Change fields of one user; the new JSON, ``None`` when there is no such one."""
        record = self._store.record(subdomain, KIND, id_)
        if record is None:
            return None
        if "id" in values and str(values["id"]) != id_:
            raise BadOrder("an id cannot be changed; delete the user and put another.")
        changed = record_of(msgspec.json.decode(record.body) | values | {"id": int(id_)})
        self._store.update(subdomain, KIND, changed)
        return changed.body

    def remove(self, subdomain: str, id_: str) -> bool:
        return self._store.delete(subdomain, KIND, id_)

    def all(self, subdomain: str) -> Iterator[Record]:
        return self._store.records(subdomain, KIND)

    def page(self, subdomain: str, after: int, limit: int) -> list[tuple[int, Record]]:
        return self._store.page(subdomain, KIND, after, limit)

    def one(self, subdomain: str, id_: str) -> Record | None:
        return self._store.record(subdomain, KIND, id_)

    def owner(self, subdomain: str) -> dict[str, Any]:
        """Who allows apps: an admin, shown as they were once they have left."""
        record = self.one(subdomain, str(OWNER["id"]))
        return OWNER | (msgspec.json.decode(record.body) if record else {})


def record_of(user: Any) -> Record:
    """A user as it is stored. Raises :class:`BadOrder` for what is not an object with a whole number as id."""
    if isinstance(user, msgspec.Raw):
        user = msgspec.json.decode(user)
    if not isinstance(user, dict):
        raise BadOrder("each user must be a JSON object.")
    id_ = user.get("id")
    if isinstance(id_, bool) or not isinstance(id_, int) or id_ < 1:
        raise BadOrder("each user needs an id, a whole number.")
    return Record(str(id_), msgspec.json.encode({"role": "agent", "active": True, "suspended": False} | user))
