"""When a user was last in their contract, and from when on earlier sign-ins do not open it any more.

Revision ID: 0076
Revises: 0074
"""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0074"
branch_labels = None
depends_on = None

COLUMNS = ("last_seen_at", "sign_ins_ended_at")


def upgrade():
    for name in COLUMNS:
        op.add_column("users", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade():
    for name in COLUMNS:
        op.drop_column("users", name)
