"""People who are ignored: they stay out of Pending until somebody takes that back.

Revision ID: 0066
Revises: 0065
"""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade():
    _statuses("'pending', 'active', 'inactive', 'ignored', 'merged'")


def downgrade():
    """Who is ignored waits under Pending again; the exclusions stay."""
    op.execute("UPDATE users SET status = 'pending' WHERE status = 'ignored'")
    _statuses("'pending', 'active', 'inactive', 'merged'")


def _statuses(listed):
    """SQLite rebuilds the table for it; the ID of somebody who was removed stays nobody else's."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    highest = "SELECT seq FROM sqlite_sequence WHERE name = 'users'"
    last = op.get_bind().scalar(sa.text(highest)) if sqlite else None
    with op.batch_alter_table(
        "users", schema=None, table_kwargs={"sqlite_autoincrement": True} if sqlite else {}
    ) as batch_op:
        batch_op.drop_constraint(op.f("ck_users_status"), type_="check")
        batch_op.create_check_constraint(op.f("ck_users_status"), f"status IN ({listed})")
    if last is not None:
        op.get_bind().execute(
            sa.text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'users'"), {"last": last}
        )
