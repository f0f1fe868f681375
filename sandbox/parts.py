"""What every platform's sandbox is put together from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.grants import Grants
from sandbox.options import Options
from sandbox.store import Store


@dataclass
class Parts:
    """``stopping`` is set when the program is told to end, so that nothing waits on."""

    options: Options
    store: Store
    grants: Grants
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    stopping: threading.Event = field(default_factory=threading.Event)

    @classmethod
    @contextmanager
    def open(cls, options: Options) -> Iterator[Parts]:
        """Open what survives a restart. Raises :class:`~sandbox.options.StartError`."""
        store = Store(options.data_dir)
        try:
            yield cls(options, store, Grants(store))
        finally:
            store.close()
