"""Which invitation a mail is of, so that it is not sent once that is taken back.

Revision ID: 0071
Revises: 0068
"""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade():
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("invitation_id", kind, nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_messages_invitation_id_invitations"), "invitations", ["invitation_id"], ["id"]
        )
    there = sa.text("invitation_id IS NOT NULL")
    op.create_index(
        "ix_messages_invitation",
        "messages",
        ["invitation_id"],
        sqlite_where=there,
        postgresql_where=there,
    )


def downgrade():
    op.drop_index("ix_messages_invitation", "messages")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_messages_invitation_id_invitations"), type_="foreignkey")
        batch_op.drop_column("invitation_id")
