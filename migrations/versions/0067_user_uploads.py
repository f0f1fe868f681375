"""Files of users that were uploaded, until they are added.

Revision ID: 0067
Revises: 0066
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def big():
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "user_uploads",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("account_id", big(), nullable=False),
        sa.Column("uploaded_by", sa.String(length=255), nullable=False, comment="their name then"),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("sheet", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("added_as", sa.String(length=10), nullable=True),
        sa.CheckConstraint("added_as IN ('pending', 'active')", name=op.f("ck_user_uploads_added_as")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_user_uploads_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_user_uploads_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_uploads")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_user_uploads_of_account", "user_uploads", ["contract_id", "account_id"])
    op.create_index("ix_user_uploads_uploaded_at", "user_uploads", ["uploaded_at"])


def downgrade():
    op.drop_table("user_uploads")
