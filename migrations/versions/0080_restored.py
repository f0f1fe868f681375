"""When an integration was restored from a backup: its next run is compared with what was restored.

Revision ID: 0080
Revises: 0076
"""

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0076"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "restored_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="from a backup; the first good run after it is compared with what was restored",
            )
        )


def downgrade():
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.drop_column("restored_at")
