"""Old notifications are found by age."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the index that the retention job reads."""
    op.execute("CREATE INDEX notifications_created_at_idx ON notifications USING brin (created_at)")


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP INDEX notifications_created_at_idx")
