"""merges of users, and when a name was given"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

HERE = sa.text("status <> 'merged'")


def big():
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_users_status"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_users_status"), "status IN ('pending', 'active', 'inactive', 'merged')"
        )
        batch_op.drop_constraint(op.f("uq_users_contract_id_username_key"), type_="unique")
        batch_op.add_column(
            sa.Column("named_at", sa.DateTime(timezone=True), nullable=True, comment="when that was")
        )
    op.create_index(
        "uq_users_username",
        "users",
        ["contract_id", "username_key"],
        unique=True,
        sqlite_where=HERE,
        postgresql_where=HERE,
    )
    op.execute(
        """UPDATE users SET named_at = (
            SELECT max(coalesce(sync_runs.started_at, sync_runs.queued_at)) FROM sync_changes
            JOIN sync_runs ON sync_runs.id = sync_changes.run_id
            WHERE sync_changes.user_id = users.id AND sync_changes.kind IN ('imported', 'renamed')
            AND sync_runs.integration_id = users.named_by_integration_id AND NOT sync_runs.preview
        ) WHERE named_by_integration_id IS NOT NULL"""
    )
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "link_changes",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="how often people changed who is linked; a run that planned before plans anew",
            )
        )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "moved_from",
                sa.String(length=255),
                nullable=True,
                comment="the remote ID that the user was linked to before",
            )
        )
    op.create_table(
        "merge_proposals",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("first_id", big(), nullable=False),
        sa.Column("second_id", big(), nullable=False),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_merge_proposals_in_order")),
        *(
            sa.ForeignKeyConstraint(
                ["contract_id", column],
                ["users.contract_id", "users.id"],
                name=op.f(f"fk_merge_proposals_contract_id_{column}_users"),
                ondelete="CASCADE",
            )
            for column in ("first_id", "second_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_proposals")),
        sa.UniqueConstraint(
            "contract_id", "first_id", "second_id", name=op.f("uq_merge_proposals_contract_id_first_id_second_id")
        ),
    )
    op.create_index("ix_merge_proposals_by_strength", "merge_proposals", ["contract_id", "strong", "id"])
    op.create_index("ix_merge_proposals_by_second", "merge_proposals", ["contract_id", "second_id"])
    op.add_column(
        "user_syncs",
        sa.Column(
            "doubles_wanted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a run changed somebody, so users who look like one human are to be looked for",
        ),
    )
    op.create_index(
        "ix_user_syncs_doubles",
        "user_syncs",
        ["doubles_wanted_at"],
        sqlite_where=sa.text("doubles_wanted_at IS NOT NULL"),
        postgresql_where=sa.text("doubles_wanted_at IS NOT NULL"),
    )
    op.create_table(
        "merges",
        sa.Column("id", big(), nullable=False),
        sa.Column("contract_id", big(), nullable=False),
        sa.Column("kept_id", big(), nullable=False),
        sa.Column("gone_id", big(), nullable=False),
        sa.Column("gone_name", sa.String(length=255), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.String(length=255), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint("kept_id <> gone_id", name=op.f("ck_merges_two_users")),
        *(
            sa.ForeignKeyConstraint(
                ["contract_id", column],
                ["users.contract_id", "users.id"],
                name=op.f(f"fk_merges_contract_id_{column}_users"),
            )
            for column in ("kept_id", "gone_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index("ix_merges_by_kept", "merges", ["contract_id", "kept_id"])
    op.create_index(
        "uq_merges_in_force",
        "merges",
        ["gone_id"],
        unique=True,
        sqlite_where=sa.text("undone_at IS NULL"),
        postgresql_where=sa.text("undone_at IS NULL"),
    )


def downgrade():
    """Users who were merged come back as inactive ones; where a username is taken by now, with their ID behind it."""
    op.drop_index("ix_user_syncs_doubles", "user_syncs")
    op.drop_column("user_syncs", "doubles_wanted_at")
    for table in ("merges", "merge_proposals"):
        op.drop_table(table)
    for table, column in (("decisions", "moved_from"), ("integrations", "link_changes")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
    op.execute(
        "UPDATE users SET username = substr(username, 1, 79) || '-' || id,"
        " username_key = substr(username_key, 1, 79) || '-' || id WHERE status = 'merged'"
    )
    op.execute("UPDATE users SET status = 'inactive' WHERE status = 'merged'")
    op.drop_index("uq_users_username", "users")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("named_at")
        batch_op.create_unique_constraint(
            op.f("uq_users_contract_id_username_key"), ["contract_id", "username_key"]
        )
        batch_op.drop_constraint(op.f("ck_users_status"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_users_status"), "status IN ('pending', 'active', 'inactive')"
        )
