"""Lists by team, by role and of those who are gone are read from indexes alone"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0041"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_user_teams_by_team", "user_teams", ["team_id", "contract_id"], ["team_id", "contract_id", "user_id"]),
    ("ix_user_roles_by_role", "user_roles", ["role_id", "contract_id"], ["role_id", "contract_id", "user_id"]),
)


def missing(columns):
    op.drop_index("ix_people_missing", "people")
    op.create_index(
        "ix_people_missing",
        "people",
        columns,
        sqlite_where=sa.text("missing_since IS NOT NULL"),
        postgresql_where=sa.text("missing_since IS NOT NULL"),
    )


def upgrade():
    for name, table, _, columns in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns)
    missing(["integration_id", "user_id"])


def downgrade():
    missing(["integration_id", "missing_since"])
    for name, table, columns, _ in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns)
