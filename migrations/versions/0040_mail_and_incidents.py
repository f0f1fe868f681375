"""mail and incidents"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0023"
branch_labels = None
depends_on = None


def big():
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "messages",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=True),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("sealed_text", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True, comment="why the last try failed"),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed')", name=op.f("ck_messages_state")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_messages_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(
        "ix_messages_due",
        "messages",
        ["next_try_at"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_messages_recent", "messages", ["contract_id", "id"])
    op.create_index("ix_messages_created_at", "messages", ["created_at"])
    op.create_table(
        "incidents",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("integration_id", big(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message", sa.String(length=1000), nullable=False, comment="what happened, in sentences"),
        sa.Column("run_id", big(), nullable=True, comment="the run it showed in"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.String(length=10), nullable=True),
        sa.Column("announce", sa.String(length=10), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('broken', 'held', 'overdue', 'quarantine', 'first_import')",
            name=op.f("ck_incidents_kind"),
        ),
        sa.CheckConstraint("ended IN ('recovered', 'decided', 'moot')", name=op.f("ck_incidents_ended")),
        sa.CheckConstraint("announce IN ('beginning', 'end')", name=op.f("ck_incidents_announce")),
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"],
            ["integrations.contract_id", "integrations.id"],
            name=op.f("fk_incidents_contract_id_integration_id_integrations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "uq_incidents_one_open",
        "incidents",
        ["integration_id", "kind"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_incidents_to_announce",
        "incidents",
        ["id"],
        sqlite_where=sa.text("announce IS NOT NULL"),
        postgresql_where=sa.text("announce IS NOT NULL"),
    )
    op.create_index("ix_incidents_recent", "incidents", ["integration_id", "id"])
    op.create_table(
        "reminders",
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_reminders_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_reminders")),
    )
    op.create_index(op.f("ix_reminders_next_at"), "reminders", ["next_at"])
    op.create_table(
        "notification_choices",
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("user_id", big(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_notification_choices_contract_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contract_id", "user_id", "kind", name=op.f("pk_notification_choices")),
    )


def downgrade():
    for table in ("notification_choices", "reminders", "incidents", "messages"):
        op.drop_table(table)
