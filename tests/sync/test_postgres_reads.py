"""What Postgres reads for a first import. Its checks of foreign keys keep their plans as long as a connection lives."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.servers.processes import wait_until
from tests.sync.office import Office
from tests.sync.people import person
from webapp.core.database import write_connection
from webapp.core.models import db

PEOPLE = 3000


@pytest.fixture
def database_url(postgres_owner_url: str) -> str:
    return postgres_owner_url  # ANALYZE is for owners


def rows_read(office: Office, table: str) -> int:
    """How many rows and index entries of ``table`` were read since the database was made."""
    db.session.remove()
    office.engine.dispose()  # a connection tells what it has read when it ends, at the latest
    with office.engine.connect() as connection:

        def alone() -> bool:
            connection.rollback()
            others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            return connection.scalar(sa.text(f"{others} AND backend_type = 'client backend'")) == 1

        wait_until(alone)
        return int(
            connection.scalar(
                sa.text(
                    "SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
                    " WHERE relname = :table) FROM pg_stat_user_tables WHERE relname = :table"
                ),
                {"table": table},
            )
            or 0
        )


def test_a_first_import_reads_each_user_a_few_times_and_not_every_user_for_each_newcomer(
    office: Office,
) -> None:
    office.batch_size = 100
    for number in range(3):
        office.user(f"User {number}", f"user{number}")
    with write_connection() as connection:
        connection.execute(sa.text("ANALYZE"))  # autovacuum does it: the tables are known to be tiny
    before = rows_read(office, "users")
    run = office.sync(*(person(f"{n:06}", f"Person {n}", f"p{n}@example.com") for n in range(PEOPLE)))
    assert run.imported == PEOPLE
    assert rows_read(office, "users") - before < 40 * PEOPLE
