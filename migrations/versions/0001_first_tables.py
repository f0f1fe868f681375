"""first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("theme", sa.String(length=10), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("theme IN ('system', 'light', 'dark')", name=op.f("ck_accounts_theme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email_key", name=op.f("uq_accounts_email_key")),
    )
    op.create_table(
        "contracts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("licences", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("licences >= 0", name=op.f("ck_contracts_licences")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("slug", name=op.f("uq_contracts_slug")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "sign_in_throttles",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_throttles")),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor", sa.String(length=255), nullable=False, comment="their name then, or the command"),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False, comment="what it was done to, in words"),
        sa.Column("target_type", sa.String(length=40), nullable=True),
        sa.Column("target_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["accounts.id"], name=op.f("fk_audit_events_actor_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_audit_events_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.create_index("ix_audit_events_actor", ["contract_id", "actor_id", "id"], unique=False)
        batch_op.create_index("ix_audit_events_recent", ["contract_id", "id"], unique=False)

    op.create_table(
        "contract_features",
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feature", sa.String(length=100), nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_contract_features_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("contract_id", "feature", name=op.f("pk_contract_features")),
    )
    op.create_table(
        "integrations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("connection", sa.String(length=20), nullable=False),
        sa.Column("connection_message", sa.String(length=500), nullable=True),
        sa.Column("connection_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("site", sa.String(length=63), nullable=True, comment="the account's region or subdomain"),
        sa.Column("remote_account_id", sa.String(length=255), nullable=True),
        sa.Column("remote_account_name", sa.String(length=255), nullable=True),
        sa.Column("connected_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("connected_by", sa.String(length=255), nullable=True, comment="their name then"),
        sa.Column(
            "connected_as", sa.String(length=512), nullable=True, comment="name and e-mail at the platform"
        ),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "connection <> 'connected' OR credentials IS NOT NULL",
            name=op.f("ck_integrations_connected_has_credentials"),
        ),
        sa.CheckConstraint(
            "connection IN ('not_connected', 'connected', 'broken')", name=op.f("ck_integrations_connection")
        ),
        sa.ForeignKeyConstraint(
            ["connected_by_id"], ["accounts.id"], name=op.f("fk_integrations_connected_by_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_integrations_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations")),
        sa.UniqueConstraint("contract_id", "id", name=op.f("uq_integrations_contract_id_id")),
        sa.UniqueConstraint("contract_id", "platform", name=op.f("uq_integrations_contract_id_platform")),
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("undeletable", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_roles_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("contract_id", "id", name=op.f("uq_roles_contract_id_id")),
        sa.UniqueConstraint("contract_id", "key", name=op.f("uq_roles_contract_id_key")),
        sa.UniqueConstraint("contract_id", "name", name=op.f("uq_roles_contract_id_name")),
    )
    op.create_table(
        "sign_in_sessions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sign_in_sessions_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_sessions_token_hash")),
    )
    with op.batch_alter_table("sign_in_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_sessions_account_id"), ["account_id"], unique=False)

    op.create_table(
        "teams",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.CheckConstraint("(parent_id IS NULL) = (level = 1)", name=op.f("ck_teams_root_level")),
        sa.CheckConstraint("length(name) BETWEEN 3 AND 255", name=op.f("ck_teams_name_length")),
        sa.CheckConstraint("level BETWEEN 1 AND 7", name=op.f("ck_teams_level")),
        sa.ForeignKeyConstraint(
            ["contract_id", "parent_id"],
            ["teams.contract_id", "teams.id"],
            name=op.f("fk_teams_contract_id_parent_id_teams"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_teams_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("contract_id", "id", name=op.f("uq_teams_contract_id_id")),
    )
    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.create_index("ix_teams_by_parent", ["contract_id", "parent_id"], unique=False)

    op.create_table(
        "connect_attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("sign_in_session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_connect_attempts_contract_id_contracts")
        ),
        sa.ForeignKeyConstraint(
            ["sign_in_session_id"],
            ["sign_in_sessions.id"],
            name=op.f("fk_connect_attempts_sign_in_session_id_sign_in_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connect_attempts")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_connect_attempts_state_hash")),
    )
    with op.batch_alter_table("connect_attempts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_connect_attempts_sign_in_session_id"), ["sign_in_session_id"], unique=False
        )

    op.create_table(
        "role_permissions",
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permission", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_role_permissions_role_id_roles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", "permission", name=op.f("pk_role_permissions")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("requested_by", sa.String(length=255), nullable=True, comment="their name then"),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_by", sa.String(length=255), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False, comment="people dealt with in this stage"),
        sa.Column("total", sa.Integer(), nullable=True, comment="people to deal with in this stage"),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("linked", sa.Integer(), nullable=False),
        sa.Column("renamed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("conflicts", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column(
            "reasons",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="left-out and conflict reasons, counted",
        ),
        sa.Column(
            "message",
            sa.String(length=1000),
            nullable=True,
            comment="what happened, in a sentence for people",
        ),
        sa.Column("error_kind", sa.String(length=40), nullable=True),
        sa.Column(
            "reference", sa.String(length=40), nullable=True, comment="finds the full story in the log"
        ),
        sa.Column("hold", sa.JSON(none_as_null=True), nullable=True, comment="what the safeguard saw"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=255), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("timeline", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "stage IN ('connect', 'fetch', 'match', 'apply', 'finish')", name=op.f("ck_sync_runs_stage")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'completed', 'completed_with_warnings', 'held', 'failed', 'cancelled')",
            name=op.f("ck_sync_runs_state"),
        ),
        sa.CheckConstraint(
            "trigger IN ('enable', 'schedule', 'manual', 'command', 'reconnect')",
            name=op.f("ck_sync_runs_trigger"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"],
            ["integrations.contract_id", "integrations.id"],
            name=op.f("fk_sync_runs_contract_id_integration_id_integrations"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["accounts.id"], name=op.f("fk_sync_runs_requested_by_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
    )
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.create_index("ix_sync_runs_recent", ["integration_id", "id"], unique=False)
        batch_op.create_index("ix_sync_runs_state", ["state", "lease_expires_at"], unique=False)
        batch_op.create_index(
            "uq_sync_runs_one_live",
            ["integration_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )

    op.create_table(
        "user_syncs",
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enabled_by", sa.String(length=255), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_by", sa.String(length=255), nullable=True),
        sa.Column("identifier_column", sa.String(length=100), nullable=True),
        sa.Column("user_types", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("shrink_percent", sa.Integer(), nullable=False),
        sa.Column("shrink_people", sa.Integer(), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_imported", sa.Integer(), nullable=True, comment="people imported or renamed then"),
        sa.Column("columns_seen", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("columns_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("shrink_people >= 1", name=op.f("ck_user_syncs_shrink_people")),
        sa.CheckConstraint("shrink_percent BETWEEN 1 AND 100", name=op.f("ck_user_syncs_shrink_percent")),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_user_syncs_integration_id_integrations")
        ),
        sa.PrimaryKeyConstraint("integration_id", name=op.f("pk_user_syncs")),
    )
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.create_index("ix_user_syncs_due", ["enabled", "next_run_at"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column(
            "username_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("third_party_id", sa.String(length=255), nullable=True),
        sa.Column(
            "third_party_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column("search_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "source_integration_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the integration that imported this user",
        ),
        sa.Column(
            "named_by_integration_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the integration that gave the name last",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'active', 'inactive')", name=op.f("ck_users_status")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name=op.f("ck_users_name_length")),
        sa.CheckConstraint("length(username) BETWEEN 3 AND 100", name=op.f("ck_users_username_length")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_users_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_users_contract_id_contracts")
        ),
        sa.ForeignKeyConstraint(
            ["named_by_integration_id"],
            ["integrations.id"],
            name=op.f("fk_users_named_by_integration_id_integrations"),
        ),
        sa.ForeignKeyConstraint(
            ["source_integration_id"],
            ["integrations.id"],
            name=op.f("fk_users_source_integration_id_integrations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("contract_id", "account_id", name=op.f("uq_users_contract_id_account_id")),
        sa.UniqueConstraint("contract_id", "id", name=op.f("uq_users_contract_id_id")),
        sa.UniqueConstraint("contract_id", "username_key", name=op.f("uq_users_contract_id_username_key")),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_users_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_users_by_email", ["contract_id", "email_key", "status", "id"], unique=False
        )
        batch_op.create_index("ix_users_by_name", ["contract_id", "status", "search_key", "id"], unique=False)
        batch_op.create_index("ix_users_by_status", ["contract_id", "status"], unique=False)
        batch_op.create_index(
            "ix_users_by_status_since", ["contract_id", "status", "status_since", "id"], unique=False
        )
        batch_op.create_index("ix_users_by_third_party", ["contract_id", "third_party_key"], unique=False)
        batch_op.create_index(
            "ix_users_by_username", ["contract_id", "status", "username_key", "id"], unique=False
        )

    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("remote_id", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("attributes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome IN ('linked', 'left_out', 'conflict')", name=op.f("ck_people_outcome")),
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"],
            ["integrations.contract_id", "integrations.id"],
            name=op.f("fk_people_contract_id_integration_id_integrations"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_people_contract_id_user_id_users"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("integration_id", "remote_id", name=op.f("uq_people_integration_id_remote_id")),
    )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.create_index(
            "ix_people_by_user",
            ["user_id"],
            unique=False,
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_people_missing",
            ["integration_id", "missing_since"],
            unique=False,
            sqlite_where=sa.text("missing_since IS NOT NULL"),
            postgresql_where=sa.text("missing_since IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_people_one_link_per_user",
            ["integration_id", "user_id"],
            unique=True,
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        )

    op.create_table(
        "reporting_access",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id", "team_id"],
            ["teams.contract_id", "teams.id"],
            name=op.f("fk_reporting_access_contract_id_team_id_teams"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_reporting_access_contract_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "team_id", name=op.f("pk_reporting_access")),
    )
    with op.batch_alter_table("reporting_access", schema=None) as batch_op:
        batch_op.create_index("ix_reporting_access_by_team", ["team_id", "contract_id"], unique=False)

    op.create_table(
        "sync_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("remote_id", sa.String(length=255), nullable=False),
        sa.Column("person_name", sa.String(length=255), nullable=False),
        sa.Column("person_email", sa.String(length=254), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("before", sa.String(length=255), nullable=True),
        sa.Column("after", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('imported', 'linked', 'renamed', 'returned', 'missing', 'left_out', 'conflict')",
            name=op.f("ck_sync_changes_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sync_runs.id"], name=op.f("fk_sync_changes_run_id_sync_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sync_changes_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_changes")),
        sa.UniqueConstraint(
            "run_id", "remote_id", "kind", name=op.f("uq_sync_changes_run_id_remote_id_kind")
        ),
    )
    with op.batch_alter_table("sync_changes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sync_changes_by_user",
            ["user_id"],
            unique=False,
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        )

    op.create_table(
        "sync_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sync_runs.id"], name=op.f("fk_sync_requests_run_id_sync_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_requests")),
    )
    with op.batch_alter_table("sync_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sync_requests_run_id"), ["run_id"], unique=False)

    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id", "role_id"],
            ["roles.contract_id", "roles.id"],
            name=op.f("fk_user_roles_contract_id_role_id_roles"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_user_roles_contract_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_user_roles")),
    )
    with op.batch_alter_table("user_roles", schema=None) as batch_op:
        batch_op.create_index("ix_user_roles_by_role", ["role_id", "contract_id"], unique=False)

    op.create_table(
        "user_teams",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id", "team_id"],
            ["teams.contract_id", "teams.id"],
            name=op.f("fk_user_teams_contract_id_team_id_teams"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"],
            ["users.contract_id", "users.id"],
            name=op.f("fk_user_teams_contract_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "team_id", name=op.f("pk_user_teams")),
    )
    with op.batch_alter_table("user_teams", schema=None) as batch_op:
        batch_op.create_index("ix_user_teams_by_team", ["team_id", "contract_id"], unique=False)
    op.create_index(
        "uq_teams_sibling_name",
        "teams",
        ["contract_id", sa.text("coalesce(parent_id, 0)"), "name"],
        unique=True,
    )
    _audit_is_append_only()


def _audit_is_append_only():
    """The database itself refuses to change or remove an audit row."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
                "BEGIN SELECT RAISE(ABORT, 'audit rows cannot be changed'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit rows cannot be changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()"
    )


def downgrade():
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP TRIGGER audit_events_append_only ON audit_events")
        op.execute("DROP FUNCTION audit_events_append_only()")
    with op.batch_alter_table("user_teams", schema=None) as batch_op:
        batch_op.drop_index("ix_user_teams_by_team")

    op.drop_table("user_teams")
    with op.batch_alter_table("user_roles", schema=None) as batch_op:
        batch_op.drop_index("ix_user_roles_by_role")

    op.drop_table("user_roles")
    with op.batch_alter_table("sync_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sync_requests_run_id"))

    op.drop_table("sync_requests")
    with op.batch_alter_table("sync_changes", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sync_changes_by_user",
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        )

    op.drop_table("sync_changes")
    with op.batch_alter_table("reporting_access", schema=None) as batch_op:
        batch_op.drop_index("ix_reporting_access_by_team")

    op.drop_table("reporting_access")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_people_one_link_per_user",
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_people_missing",
            sqlite_where=sa.text("missing_since IS NOT NULL"),
            postgresql_where=sa.text("missing_since IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_people_by_user",
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        )

    op.drop_table("people")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_by_username")
        batch_op.drop_index("ix_users_by_third_party")
        batch_op.drop_index("ix_users_by_status_since")
        batch_op.drop_index("ix_users_by_status")
        batch_op.drop_index("ix_users_by_name")
        batch_op.drop_index("ix_users_by_email")
        batch_op.drop_index(batch_op.f("ix_users_account_id"))

    op.drop_table("users")
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.drop_index("ix_user_syncs_due")

    op.drop_table("user_syncs")
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_sync_runs_one_live",
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )
        batch_op.drop_index("ix_sync_runs_state")
        batch_op.drop_index("ix_sync_runs_recent")

    op.drop_table("sync_runs")
    op.drop_table("role_permissions")
    with op.batch_alter_table("connect_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_connect_attempts_sign_in_session_id"))

    op.drop_table("connect_attempts")
    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.drop_index("ix_teams_by_parent")

    op.drop_table("teams")
    with op.batch_alter_table("sign_in_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_sessions_account_id"))

    op.drop_table("sign_in_sessions")
    op.drop_table("roles")
    op.drop_table("integrations")
    op.drop_table("contract_features")
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_events_recent")
        batch_op.drop_index("ix_audit_events_actor")

    op.drop_table("audit_events")
    op.drop_table("sign_in_throttles")
    op.drop_table("heartbeats")
    op.drop_table("contracts")
    op.drop_table("accounts")
