"""Previews: runs that apply nothing.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

LIVE = sa.text("state IN ('queued', 'running')")


def upgrade():
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "preview",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="matches and applies nothing",
            )
        )
        batch_op.add_column(
            sa.Column("what_if", sa.JSON(), nullable=True, comment="of a preview: settings that are not saved")
        )
        batch_op.add_column(
            sa.Column(
                "fingerprint", sa.String(length=64), nullable=True, comment="of a preview: what it would do"
            )
        )
        batch_op.add_column(
            sa.Column(
                "expects",
                sa.String(length=64),
                nullable=True,
                comment="the fingerprint of the preview that this run applies",
            )
        )
        batch_op.drop_index("uq_sync_runs_one_live")
        batch_op.create_index(
            "uq_sync_runs_one_live",
            ["integration_id", "preview"],
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        )


def downgrade():
    op.execute("DELETE FROM sync_runs WHERE preview")
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.drop_index("uq_sync_runs_one_live")
        batch_op.create_index(
            "uq_sync_runs_one_live",
            ["integration_id"],
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        )
        batch_op.drop_column("expects")
        batch_op.drop_column("fingerprint")
        batch_op.drop_column("what_if")
        batch_op.drop_column("preview")
