"""Support staff over all contracts, and what their page and the fair order of runs are read by.

Revision ID: 0055
Revises: 0054
"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "support",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="may look at the sync status of every contract",
            )
        )
        batch_op.add_column(
            sa.Column(
                "support_may_sync",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="with support: may start syncs there as well",
            )
        )
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "last_found",
                sa.Integer(),
                nullable=True,
                comment="people in the list of the last success",
            )
        )
    op.create_index("ix_sync_runs_newest", "sync_runs", ["integration_id", "preview", "id", "state"])


def downgrade():
    op.drop_index("ix_sync_runs_newest", "sync_runs")
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.drop_column("last_found")
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("support_may_sync")
        batch_op.drop_column("support")
