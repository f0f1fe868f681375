"""The database judges every connection as the pure function does, whatever its rows say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sync.office import open_office
from webapp.core import contracts
from webapp.core.database import write_transaction
from webapp.core.models import Contract, Integration, SyncRun, UserSync, db
from webapp.core.models.sync import COUNTING_STATES, RUN_STATES
from webapp.core.permissions import INTEGRATIONS
from webapp.integrations.support import fleet
from webapp.sync.schedule.health import Facts, judge
from webapp.sync.schedule.status import BY_URGENCY, NEEDS_ATTENTION, standing

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOURS = (0.0, 0.5, 1.0, 6.0, 6.5, 7.0, 12.0, 13.0, 40.0)

moments = st.none() | st.builds(
    lambda hours, microseconds: NOW - timedelta(hours=hours, microseconds=microseconds),
    st.sampled_from(HOURS),
    st.sampled_from((-1, 0, 1)),
)
kinds = st.sampled_from(["run", "preview", "undo"])
runs = st.lists(st.tuples(st.sampled_from(RUN_STATES), kinds), max_size=4)


@given(
    connection=st.sampled_from(["not_connected", "connected", "broken"]),
    enabled=st.booleans(),
    enabled_at=moments,
    last_success_at=moments,
    paused=st.booleans(),
    resumed_at=moments,
    available=st.booleans(),
    ended=runs,
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_agrees_with_the_pure_judgement(
    app: Flask,
    connection: str,
    enabled: bool,
    enabled_at: datetime | None,
    last_success_at: datetime | None,
    paused: bool,
    resumed_at: datetime | None,
    available: bool,
    ended: list[tuple[str, str]],
) -> None:
    with app.app_context():
        integration_id = _integration(app)
        with write_transaction() as session:
            integration = session.get_one(Integration, integration_id)
            integration.connection, integration.connection_message = connection, "Revoked."
            sync = session.get_one(UserSync, integration_id)
            sync.enabled, sync.enabled_at, sync.last_success_at = enabled, enabled_at, last_success_at
            sync.paused_at, sync.resumed_at = NOW if paused else None, resumed_at
            contract = session.get_one(Contract, integration.contract_id)
            contracts.set_feature(session, contract, INTEGRATIONS, on=available)
            session.execute(sa.delete(SyncRun).where(SyncRun.integration_id == integration_id))
            live: set[bool] = set()
            for state, kind in ended:
                preview = kind == "preview"
                if state in ("queued", "running"):
                    if preview in live:
                        continue
                    live.add(preview)
                session.add(
                    SyncRun(
                        contract_id=integration.contract_id,
                        integration_id=integration_id,
                        trigger="undo" if kind == "undo" else "schedule",
                        state=state,
                        preview=preview,
                    )
                )
                session.flush()
        counting = [state for state, kind in ended if state in COUNTING_STATES and kind == "run"]
        facts = Facts(
            connection=connection,
            connection_message="Revoked.",
            enabled=enabled,
            enabled_at=enabled_at,
            ever_enabled=enabled_at is not None,
            last_success_at=last_success_at,
            last_state=counting[-1] if counting else None,
            paused_at=NOW if paused else None,
            resumed_at=resumed_at,
        )
        expected = standing(facts, NOW, available=available)
        session = db.session()
        assert fleet.counts(session, NOW) == dict.fromkeys(BY_URGENCY, 0) | {expected: 1}
        (row,) = fleet.rows(session, NOW, [expected], limit=25)
        assert row.standing == expected
        assert fleet.rows(session, NOW, [word for word in BY_URGENCY if word != expected], limit=25) == []
        if available:
            status = judge(facts, NOW).status
            left = facts.last_state == "completed_with_warnings" and expected not in NEEDS_ATTENTION
            assert left or (status in ("Error", "Warning")) == (expected in NEEDS_ATTENTION)
        session.rollback()


def _integration(app: Flask) -> int:
    """The one integration of this database, made the first time."""
    found = db.session.scalar(sa.select(Integration.id))
    db.session.rollback()
    return found if found is not None else open_office(app).integration_id
