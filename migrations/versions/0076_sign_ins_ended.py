"""When a user was last in their contract, and from when on earlier sign-ins do not open it any more.

Revision ID: 0076
Revises: 0071
"""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0071"
branch_labels = None
depends_on = None

COLUMNS = {
    "last_seen_at": "when their account opened a page of the contract last, give or take some minutes",
    "sign_ins_ended_at": "sign-ins from before do not open the contract",
}


def upgrade():
    for name, comment in COLUMNS.items():
        op.add_column("users", sa.Column(name, sa.DateTime(timezone=True), nullable=True, comment=comment))


def downgrade():
    for name in COLUMNS:
        op.drop_column("users", name)
