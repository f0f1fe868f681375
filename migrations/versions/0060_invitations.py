"""Invitations, and links mailed to accounts: to set a new password, to confirm a new email.

Revision ID: 0060
Revises: 0055
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0055"
branch_labels = None
depends_on = None


def big():
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key():
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade():
    op.create_table(
        "account_links",
        sa.Column("id", big(), nullable=False),
        sa.Column("account_id", big(), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("purpose IN ('reset', 'email')", name=op.f("ck_account_links_purpose")),
        sa.CheckConstraint(
            "(purpose = 'email') = (email IS NOT NULL)", name=op.f("ck_account_links_email_of_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_links_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_links_token_hash")),
    )
    op.create_index("ix_account_links_account_id", "account_links", ["account_id", "purpose"])
    op.create_index("ix_account_links_expires_at", "account_links", ["expires_at"])
    op.create_table(
        "invitations",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("user_id", big(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", key(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("inviter_id", big(), nullable=False, comment="the user who sent it"),
        sa.Column("invited_by", sa.String(length=255), nullable=False, comment="their name then"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=255), nullable=True, comment="the name of who ended it"),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'revoked', 'replaced')", name=op.f("ck_invitations_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_invitations_contract_id_user_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "inviter_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_invitations_contract_id_inviter_id_users"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index("ix_invitations_by_user", "invitations", ["contract_id", "user_id", "id"])
    op.create_index("ix_invitations_by_inviter", "invitations", ["contract_id", "inviter_id"])
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )


def downgrade():
    op.drop_table("invitations")
    op.drop_table("account_links")
