"""Which platform's names win when a user has links to several.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "name_rank",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="whose names win: the lowest that lists the person",
            )
        )


def downgrade():
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.drop_column("name_rank")
