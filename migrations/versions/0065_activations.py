"""Activations that can be undone, and an index to find what the audit log says about somebody.

Revision ID: 0065
Revises: 0063
"""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0063"
branch_labels = None
depends_on = None


def big():
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "activations",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("before_status", sa.String(length=10), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=255), nullable=False),
        sa.Column("given", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint(
            "before_status IN ('pending', 'inactive')", name=op.f("ck_activations_before_status")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_activations_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activations")),
    )
    op.create_index("ix_activations_recent", "activations", ["contract_id", "id"])
    op.create_index(
        "ix_audit_events_about", "audit_events", ["contract_id", "target_type", "target_id", "id"]
    )


def downgrade():
    op.drop_index("ix_audit_events_about", "audit_events")
    op.drop_table("activations")
