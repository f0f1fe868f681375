"""``python -m bench.saving_writer REPORT``: what a manager's save costs in waiting, again and again until stdin ends.

A save is a transaction as the screens make them: the contract's lock, a change, its audit row. ``REPORT`` gets the
seconds that each took.
"""

from __future__ import annotations

import select
import sys
import time
from pathlib import Path

import msgspec
import sqlalchemy as sa

from webapp import create_app
from webapp.core import logs
from webapp.core.audit import log
from webapp.core.database import rows_changed, write_transaction
from webapp.core.models import Contract, Integration

EVERY = 0.1  # seconds between two saves


def main(report: Path) -> None:
    """Save until nobody listens any more."""
    logs.init_logging("WARNING")
    took = []
    with create_app().app_context():
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], EVERY)[0]:
            began = time.perf_counter()
            save()
            took.append(time.perf_counter() - began)
    report.write_bytes(msgspec.json.encode(took))


def save() -> None:
    with write_transaction() as session:
        contract_id = session.scalars(sa.select(Integration.contract_id).limit(1)).one()
        mine = sa.update(Contract).where(Contract.id == contract_id)
        rows_changed(session, mine.values(licences=Contract.licences + 1))
        log.record(session, "contract.licences_changed", "Bench", contract_id=contract_id, actor="bench")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
