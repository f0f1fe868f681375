"""People who left: after how many days they are deactivated, and who was deactivated as gone.

Revision ID: 0052
Revises: 0051
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "leaver_rules",
        sa.Column(
            "contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=255), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_people", sa.Integer(), nullable=True, comment="how many were due then"),
        sa.Column(
            "spared_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a person decided: whoever was gone by then stays as they are",
        ),
        sa.CheckConstraint("days BETWEEN 1 AND 365", name=op.f("ck_leaver_rules_days")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_leaver_rules_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_leaver_rules")),
    )
    op.create_index(op.f("ix_leaver_rules_next_at"), "leaver_rules", ["next_at"])
    op.add_column(
        "users",
        sa.Column(
            "left_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="of an inactive user who was on no platform any more when deactivated: since when",
        ),
    )
    op.create_index(
        "ix_users_left",
        "users",
        ["contract_id", "id"],
        sqlite_where=sa.text("left_since IS NOT NULL"),
        postgresql_where=sa.text("left_since IS NOT NULL"),
    )


def downgrade():
    op.drop_index("ix_users_left", "users")
    op.drop_column("users", "left_since")
    op.drop_table("leaver_rules")
