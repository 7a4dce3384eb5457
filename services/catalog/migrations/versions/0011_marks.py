"""What a vendor marks its goods with."""

from alembic import op

revision = "0011"
down_revision = "0010"

_MARKS = ("batch_id", "metric_tag", "barcode", "packaging_type")


def upgrade() -> None:
    """Add columns that code which is still running leaves alone."""
    op.execute("ALTER TABLE products " + ", ".join(f"ADD COLUMN {mark} TEXT NOT NULL DEFAULT ''" for mark in _MARKS))


def downgrade() -> None:
    """Take them away again."""
    op.execute("ALTER TABLE products " + ", ".join(f"DROP COLUMN {mark}" for mark in _MARKS))
