"""Stores have logos."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone."""
    op.execute("ALTER TABLE stores ADD COLUMN logo_media_id UUID, ADD COLUMN logo_flow UUID")


def downgrade() -> None:
    """Take them away again."""
    op.execute("ALTER TABLE stores DROP COLUMN logo_flow, DROP COLUMN logo_media_id")
