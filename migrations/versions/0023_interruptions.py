"""How often the worker of a run died, apart from how often the run was begun.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "interruptions",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="how often its worker died in the middle",
            )
        )


def downgrade():
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.drop_column("interruptions")
