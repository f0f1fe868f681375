"""questions"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def big():
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "questions",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("integration_id", big(), nullable=False),
        sa.Column("text", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False, comment="made to the platform so far"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=255), nullable=False, comment="their name then"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message", sa.String(length=1000), nullable=True, comment="why there is no answer"),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'answered', 'failed')", name=op.f("ck_questions_state")
        ),
        sa.CheckConstraint("stage IN ('connect', 'fetch', 'match')", name=op.f("ck_questions_stage")),
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"],
            ["integrations.contract_id", "integrations.id"],
            name=op.f("fk_questions_contract_id_integration_id_integrations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_index("ix_questions_recent", "questions", ["integration_id", "id"])
    op.create_index("ix_questions_state", "questions", ["state"])
    op.create_index("ix_questions_asked_at", "questions", ["asked_at"])


def downgrade():
    op.drop_table("questions")
