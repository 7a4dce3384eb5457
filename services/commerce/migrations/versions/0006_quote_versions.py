"""Quotes have a version, which checkout demands, and say which promo codes changed nothing.

Quotes made before have none and must be made anew: their discounts were rounded per unit.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone."""
    op.execute(
        "ALTER TABLE cart_records ADD COLUMN quote_version TEXT, ADD COLUMN promo_warnings JSONB DEFAULT '[]' NOT NULL"
    )


def downgrade() -> None:
    """Take them away again."""
    op.execute("ALTER TABLE cart_records DROP COLUMN promo_warnings, DROP COLUMN quote_version")
