"""Who took the steps of a delivery, and when it was picked up."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone."""
    op.execute(
        """
        ALTER TABLE vendor_orders
            ADD COLUMN picked_up_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN picked_up_by UUID,
            ADD COLUMN delivered_by UUID
        """
    )


def downgrade() -> None:
    """Take them away again."""
    op.execute(
        "ALTER TABLE vendor_orders DROP COLUMN picked_up_at, DROP COLUMN picked_up_by, DROP COLUMN delivered_by"
    )
