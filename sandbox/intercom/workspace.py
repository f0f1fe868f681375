"""The one workspace of this Intercom and its teammates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import msgspec

from sandbox.faults import BadOrder
from sandbox.intercom.teammates import bot, teammates
from sandbox.store import Record, Store

SPACE, KIND = "workspace", "admin"
ID_CODE = "kx41demo"
NAME = "Kestrel Outdoor"
DEFAULT_COUNT = 204
OWNER = {"id": "991267400", "name": "Rosalind Achebe", "email": "rosalind.achebe@kestrel.example"}


class Workspace:
    """Teammates are kept as the JSON that is served; the avatar is kept aside."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._seed = seed

    def fill(self) -> None:
        """Give a new workspace its default teammates."""
        if not self._store.filled(SPACE):
            self.reset()

    def reset(self) -> int:
        """The default teammates again; how many there are."""
        return self.generate(DEFAULT_COUNT, self._seed, odd=True)

    def generate(self, count: int, seed: int, *, odd: bool = False) -> int:
        """``count`` teammates: the owner first, the bot last when there are two at least."""
        owner = OWNER | {"job_title": "Head of support"}
        made = teammates(max(count - 2, 0), seed, odd=odd)
        return self.replace(islice(chain([owner], made, [bot(ID_CODE)]), count))

    def replace(self, admins: Iterable[Any]) -> int:
        """Put ``admins`` (objects as in GET /admins) in place of all. Raises :class:`BadOrder`."""
        seen: set[str] = set()

        def records() -> Iterator[Record]:
            for admin in admins:
                record = record_of(admin)
                if record.id in seen:
                    raise BadOrder(f"two admins have the id {record.id}; ids must differ.")
                seen.add(record.id)
                yield record

        return self._store.replace(SPACE, KIND, records())

    def change(self, id_: str, values: dict[str, Any]) -> bytes | None:
        """Change fields of one teammate; the new JSON, ``None`` when there is no such one."""
        record = self._store.record(SPACE, KIND, id_)
        if record is None:
            return None
        if "id" in values and str(values["id"]) != id_:
            raise BadOrder("an id cannot be changed; delete the admin and put another.")
        admin = msgspec.json.decode(record.body)
        if record.aside is not None:
            admin["avatar"] = msgspec.json.decode(record.aside)
        changed = record_of(admin | values | {"id": id_})
        self._store.update(SPACE, KIND, changed)
        return changed.body

    def remove(self, id_: str) -> bool:
        return self._store.delete(SPACE, KIND, id_)

    def count(self) -> int:
        return self._store.count(SPACE, KIND)

    def all(self) -> Iterator[Record]:
        return self._store.records(SPACE, KIND)

    def one(self, id_: str) -> Record | None:
        return self._store.record(SPACE, KIND, id_)


def record_of(admin: Any) -> Record:
    """An admin as it is stored. Raises :class:`BadOrder` for what is not an object with an id."""
    if isinstance(admin, msgspec.Raw):
        admin = msgspec.json.decode(admin)
    if not isinstance(admin, dict):
        raise BadOrder("each admin must be a JSON object.")
    id_ = admin.get("id")
    if isinstance(id_, bool) or not isinstance(id_, str | int) or not str(id_):
        raise BadOrder("each admin needs an id, a string of digits.")
    avatar = admin.get("avatar")
    body = {"type": "admin", **admin, "id": str(id_)}
    body.pop("avatar", None)
    return Record(
        str(id_), msgspec.json.encode(body), None if avatar is None else msgspec.json.encode(avatar)
    )
