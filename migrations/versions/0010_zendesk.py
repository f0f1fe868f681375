"""What Zendesk needs: a lease on exchanging tokens, and which user types are left out.

Revision ID: 0010
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "refreshing_until",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="a process exchanges the token and holds this lease",
            )
        )
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.drop_column("user_types")
        batch_op.add_column(
            sa.Column("left_out_types", sa.JSON(), nullable=True, comment="keys; none: the platform's defaults")
        )
        batch_op.add_column(
            sa.Column(
                "types_seen",
                sa.JSON(),
                nullable=True,
                comment="the user types of the last fetch: key and label",
            )
        )


def downgrade():
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.drop_column("types_seen")
        batch_op.drop_column("left_out_types")
        batch_op.add_column(sa.Column("user_types", sa.JSON(), nullable=True))
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.drop_column("refreshing_until")
