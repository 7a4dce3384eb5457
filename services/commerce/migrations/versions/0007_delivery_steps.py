"""Who took the steps of a delivery, and when it was picked up; what its buyer need not pay."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone."""
    op.execute(
        """
        ALTER TABLE vendor_orders
            ADD COLUMN picked_up_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN picked_up_by UUID,
            ADD COLUMN delivered_by UUID,
            ADD COLUMN credited_cents BIGINT NOT NULL DEFAULT 0
        """
    )


def downgrade() -> None:
    """Take them away again."""
    op.execute(
        "ALTER TABLE vendor_orders DROP COLUMN picked_up_at, DROP COLUMN picked_up_by, DROP COLUMN delivered_by,"
        " DROP COLUMN credited_cents"
    )
