"""Exclusions and decisions, what a conflict is about, and how many runs in a row failed.

Revision ID: 0020
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0010"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "exclusions",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("contract_id", BigInt, nullable=False),
        sa.Column("integration_id", BigInt, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'email')", name=op.f("ck_exclusions_kind")),
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"],
            ["integrations.contract_id", "integrations.id"],
            name=op.f("fk_exclusions_contract_id_integration_id_integrations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusions")),
        sa.UniqueConstraint("integration_id", "kind", "value", name=op.f("uq_exclusions_integration_id_kind_value")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("contract_id", BigInt, nullable=False),
        sa.Column("integration_id", BigInt, nullable=False),
        sa.Column("remote_id", sa.String(length=255), nullable=False),
        sa.Column("person_name", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False, comment="of the conflict that was decided"),
        sa.Column("user_id", BigInt, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=255), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"],
            ["integrations.contract_id", "integrations.id"],
            name=op.f("fk_decisions_contract_id_integration_id_integrations"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_decisions_contract_id_user_id_users"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(
        "uq_decisions_in_force",
        "decisions",
        ["integration_id", "remote_id"],
        unique=True,
        sqlite_where=sa.text("forgotten_at IS NULL"),
        postgresql_where=sa.text("forgotten_at IS NULL"),
    )
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "failures",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="runs in a row that failed for a passing reason",
            )
        )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("detail", sa.JSON(), nullable=True, comment="of a conflict: value, candidates")
        )
        batch_op.create_index("ix_people_by_outcome", ["contract_id", "outcome", "id"], unique=False)


def downgrade():
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.drop_column("failures")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index("ix_people_by_outcome")
        batch_op.drop_column("detail")
    op.drop_table("decisions")
    op.drop_table("exclusions")
