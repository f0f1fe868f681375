"""Runs that wait for a trouble to pass, and questions that a worker holds a lease on.

Revision ID: 0074
Revises: 0071
"""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade():
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "tries",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="tries in a row that met with trouble of ours and did nothing",
            )
        )
        batch_op.add_column(
            sa.Column("troubled_since", moment, nullable=True, comment="when the first of these tries ended")
        )
        batch_op.add_column(
            sa.Column(
                "waits_for",
                sa.String(length=200),
                nullable=True,
                comment="the trouble, while it waits for its end",
            )
        )
        batch_op.add_column(sa.Column("not_before", moment, nullable=True, comment="when it is tried again"))
    with op.batch_alter_table("questions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempt", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("lease_expires_at", moment, nullable=True))


def downgrade():
    with op.batch_alter_table("questions", schema=None) as batch_op:
        batch_op.drop_column("lease_expires_at")
        batch_op.drop_column("attempt")
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.drop_column("not_before")
        batch_op.drop_column("waits_for")
        batch_op.drop_column("troubled_since")
        batch_op.drop_column("tries")
