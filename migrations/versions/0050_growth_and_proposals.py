"""growth limits, what held runs propose, previews compared with the saved settings"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0044"
branch_labels = None
depends_on = None

COLUMNS = {
    "sync_runs": (
        sa.Column(
            "proposed",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="its lines say what it would do, and nothing of it was applied",
        ),
        sa.Column(
            "shown",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="of a held run: whom a decision is about",
        ),
        sa.Column(
            "saved_counts",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="of a preview: what the saved settings would do",
        ),
    ),
    "sync_changes": (
        sa.Column(
            "saved_kind",
            sa.String(length=10),
            nullable=True,
            comment="of a preview: what the saved settings would do, where that differs",
        ),
    ),
}


def upgrade():
    # Written out, because both databases take a column with its check, and SQLite would rebuild the table otherwise.
    for column, check in (("growth_percent", "BETWEEN 1 AND 1000"), ("growth_people", ">= 1")):
        op.execute(
            f"ALTER TABLE user_syncs ADD COLUMN {column} INTEGER DEFAULT '50' NOT NULL "
            f"CONSTRAINT ck_user_syncs_{column} CHECK ({column} {check})"
        )
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)


def downgrade():
    for table, columns in COLUMNS.items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
    with op.batch_alter_table("user_syncs", schema=None) as batch_op:
        for column in ("growth_people", "growth_percent"):
            batch_op.drop_constraint(op.f(f"ck_user_syncs_{column}"), type_="check")
            batch_op.drop_column(column)
