"""Indexes for the filters of the audit log, and no way to replace one of its rows.

Revision ID: 0068
Revises: 0067
"""

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

NEW = {
    "ix_audit_events_by_time": ["contract_id", "at", "id"],
    "ix_audit_events_by_actor": ["contract_id", "actor", "at", "id"],
    "ix_audit_events_by_action": ["contract_id", "action", "at", "id"],
    "ix_audit_events_by_kind": ["contract_id", "target_type", "at", "id"],
}


def upgrade():
    for name, columns in NEW.items():
        op.create_index(name, "audit_events", columns)
    op.drop_index("ix_audit_events_actor", "audit_events")
    op.drop_index("ix_audit_events_recent", "audit_events")
    if op.get_bind().dialect.name == "sqlite":
        # REPLACE takes the old row away without asking the trigger that guards against DELETE.
        op.execute(
            "CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events "
            "WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'audit rows cannot be changed'); END"
        )


def downgrade():
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_events_no_replace")
    op.create_index("ix_audit_events_recent", "audit_events", ["contract_id", "id"])
    op.create_index("ix_audit_events_actor", "audit_events", ["contract_id", "actor_id", "id"])
    for name in NEW:
        op.drop_index(name, "audit_events")
