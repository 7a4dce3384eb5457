"""Vendors have logos."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a column that code which is still running leaves alone."""
    op.execute("ALTER TABLE store_gates ADD COLUMN logo_media_id UUID")


def downgrade() -> None:
    """Take it away again."""
    op.execute("ALTER TABLE store_gates DROP COLUMN logo_media_id")
