"""Undoing runs, pausing the schedule, and how long the lines of runs are kept.

Revision ID: 0053
Revises: 0052
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

TRIGGERS = "'enable', 'schedule', 'manual', 'command', 'reconnect'"
KINDS = "'imported', 'linked', 'renamed', 'returned', 'missing', 'left_out', 'conflict'"


def big():
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table(
            "users", schema=None, recreate="always", table_kwargs={"sqlite_autoincrement": True}
        ):
            pass
    op.create_index(
        "ix_decisions_by_user",
        "decisions",
        ["user_id"],
        sqlite_where=sa.text("user_id IS NOT NULL"),
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "paused_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="the schedule makes no runs since then",
            )
        )
        batch_op.add_column(sa.Column("paused_by", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("pause_reason", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "removed",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="of an undo: imported users taken away again",
            )
        )
        batch_op.add_column(
            sa.Column(
                "unlinked",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="of an undo: links taken back, the users stay",
            )
        )
        batch_op.add_column(
            sa.Column("undoes_id", big(), nullable=True, comment="of an undo: the run that it takes back")
        )
        batch_op.add_column(
            sa.Column(
                "lines_removed_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="since when its lines and calls are being removed for their age",
            )
        )
        batch_op.add_column(
            sa.Column(
                "lines_left",
                sa.Boolean(),
                server_default=sa.true(),
                nullable=False,
                comment="whether there may be lines or calls",
            )
        )
        batch_op.create_foreign_key(op.f("fk_sync_runs_undoes_id_sync_runs"), "sync_runs", ["undoes_id"], ["id"])
        batch_op.drop_constraint(op.f("ck_sync_runs_trigger"), type_="check")
        batch_op.create_check_constraint(op.f("ck_sync_runs_trigger"), f"trigger IN ({TRIGGERS}, 'undo')")
        batch_op.create_index(
            "ix_sync_runs_undoes",
            ["undoes_id"],
            sqlite_where=sa.text("undoes_id IS NOT NULL"),
            postgresql_where=sa.text("undoes_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_sync_runs_with_lines",
            ["finished_at"],
            sqlite_where=sa.text("lines_left"),
            postgresql_where=sa.text("lines_left"),
        )
    with op.batch_alter_table("sync_changes", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_sync_changes_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_sync_changes_kind"), f"kind IN ({KINDS}, 'removed', 'unlinked')")


def downgrade():
    """The runs that undid others go, because an older version cannot show them."""
    op.execute("DELETE FROM sync_runs WHERE trigger = 'undo'")
    with op.batch_alter_table("sync_changes", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_sync_changes_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_sync_changes_kind"), f"kind IN ({KINDS})")
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.drop_index("ix_sync_runs_with_lines")
        batch_op.drop_index("ix_sync_runs_undoes")
        batch_op.drop_constraint(op.f("fk_sync_runs_undoes_id_sync_runs"), type_="foreignkey")
        batch_op.drop_constraint(op.f("ck_sync_runs_trigger"), type_="check")
        batch_op.create_check_constraint(op.f("ck_sync_runs_trigger"), f"trigger IN ({TRIGGERS})")
        for column in ("lines_left", "lines_removed_at", "undoes_id", "unlinked", "removed"):
            batch_op.drop_column(column)
    op.drop_index("ix_decisions_by_user", "decisions")
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        for column in ("resumed_at", "pause_reason", "paused_by", "paused_at"):
            batch_op.drop_column(column)
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("users", schema=None, recreate="always"):
            pass
