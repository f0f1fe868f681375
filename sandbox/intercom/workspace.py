"""The one workspace of this Intercom and its teammates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Annotated, Any

import msgspec

from sandbox.faults import BadOrder
from sandbox.intercom.records import fields_of, record_of
from sandbox.intercom.teammates import OWNER, bot, teammates
from sandbox.store import Record, Store

SPACE, ADMIN, APP = "workspace", "admin", "app"
ID_CODE = "kx41demo"
DEFAULT_COUNT = 204

# The workspace as ``/me`` shows it.
DEFAULT_APP: dict[str, Any] = {
    "type": "app",
    "id_code": ID_CODE,
    "name": "Kestrel Outdoor",
    "created_at": 1_734_537_243,
    "secure": False,
    "identity_verification": False,
    "timezone": "America/Chicago",
    "region": "US",
}

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class AppChange(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What can be changed of the workspace; ``None`` leaves it as it is."""

    id_code: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_-]{1,64}\Z")] | None = None
    name: Words | None = None
    region: Words | None = None
    timezone: Words | None = None


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
        """The default workspace and teammates again; how many there are."""
        count = self.generate(DEFAULT_COUNT, self._seed, odd=True)
        self._store.replace(SPACE, APP, [])
        return count

    # ------------------------------------------------------------------ the workspace itself
    def app(self) -> dict[str, Any]:
        """What ``/me`` says of it."""
        record = self._store.record(SPACE, APP, APP)
        app: dict[str, Any] = msgspec.json.decode(record.body) if record else {}
        return DEFAULT_APP | app

    def change_app(self, values: Any) -> dict[str, Any]:
        """Change the fields of :class:`AppChange`; the new ones. Raises :class:`BadOrder`."""
        try:
            change = msgspec.convert(values, AppChange)
        except msgspec.ValidationError as error:
            raise BadOrder(f"the workspace does not fit: {error}.") from error
        app = self.app()
        app.update(msgspec.to_builtins(change))
        self._store.replace(SPACE, APP, [Record(APP, msgspec.json.encode(app))])
        return app

    # ------------------------------------------------------------------ teammates
    def generate(self, count: int, seed: int, *, odd: bool = False) -> int:
        """``count`` teammates: the owner first, the bot last when there are two at least."""
        made = teammates(max(count - 2, 0), seed, odd=odd)
        return self.replace(islice(chain([OWNER], made, [bot(ID_CODE)]), count))

    def replace(self, admins: Iterable[Any]) -> int:
        """Put ``admins`` (objects as in GET /admins) in place of all, or none of them. Raises :class:`BadOrder`."""
        seen: set[str] = set()

        def records() -> Iterator[Record]:
            for place, admin in enumerate(admins):
                record = record_of(admin, f"admins[{place}]")
                if record.id in seen:
                    raise BadOrder(f"admins[{place}] has the id {record.id} of another one; ids must differ.")
                seen.add(record.id)
                yield record

        return self._store.replace(SPACE, ADMIN, records())

    def add(self, admin: Any) -> Record:
        """Raises :class:`BadOrder`."""
        record = record_of(admin)
        if not self._store.add(SPACE, ADMIN, record):
            raise BadOrder(f"there is an admin {record.id} already.")
        return record

    def change(self, id_: str, values: dict[str, Any]) -> Record | None:
        """Change fields of one teammate; ``None`` when there is no such one. Raises :class:`BadOrder`."""
        record = self.one(id_)
        if record is None:
            return None
        if values.get("id", id_) != id_:
            raise BadOrder("an id cannot be changed; delete the admin and put another.")
        changed = record_of(fields_of(record) | values)
        return changed if self._store.update(SPACE, ADMIN, changed) else None

    def remove(self, id_: str) -> Record | None:
        """Who was removed, if there was such a teammate."""
        record = self.one(id_)
        return record if self._store.delete(SPACE, ADMIN, id_) else None

    def all(self) -> Iterator[Record]:
        return self._store.records(SPACE, ADMIN)

    def one(self, id_: str) -> Record | None:
        return self._store.record(SPACE, ADMIN, id_)
