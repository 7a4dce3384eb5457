"""What carts and orders keep besides money: pictures, warnings, notes, the shipping line."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone."""
    op.execute(
        """
        ALTER TABLE cart_items ADD COLUMN thumbnail_media_id UUID;
        ALTER TABLE order_line_items
            ADD COLUMN thumbnail_media_id UUID,
            ADD COLUMN warnings JSONB NOT NULL DEFAULT '[]';
        ALTER TABLE vendor_orders
            ADD COLUMN notes TEXT NOT NULL DEFAULT '',
            ADD COLUMN internal_notes TEXT NOT NULL DEFAULT '',
            ADD COLUMN warnings JSONB NOT NULL DEFAULT '[]',
            ADD COLUMN shipping_line JSONB
        """
    )


def downgrade() -> None:
    """Take them away again."""
    op.execute(
        """
        ALTER TABLE vendor_orders
            DROP COLUMN notes, DROP COLUMN internal_notes, DROP COLUMN warnings, DROP COLUMN shipping_line;
        ALTER TABLE order_line_items DROP COLUMN thumbnail_media_id, DROP COLUMN warnings;
        ALTER TABLE cart_items DROP COLUMN thumbnail_media_id
        """
    )
