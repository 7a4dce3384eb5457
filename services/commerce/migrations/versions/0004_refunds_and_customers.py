"""Orders know what was refunded and whether their payout came back; a vendor's orders are found by buyer."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone, and an index."""
    op.execute(
        """
        ALTER TABLE vendor_orders
            ADD COLUMN refund_status TEXT DEFAULT 'none' NOT NULL,
            ADD COLUMN refunded_cents BIGINT DEFAULT 0 NOT NULL,
            ADD COLUMN vendor_paid_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN payout_returned_at TIMESTAMP WITH TIME ZONE,
            ADD CONSTRAINT vendor_orders_refund_status_check CHECK (refund_status IN ('none', 'partial', 'full')),
            ADD CONSTRAINT vendor_orders_refunded_cents_check CHECK (
                refunded_cents BETWEEN 0 AND total_cents AND (refund_status = 'none') = (refunded_cents = 0)
                AND (refund_status = 'full') = (refunded_cents > 0 AND refunded_cents = total_cents));
        CREATE INDEX vendor_orders_customer_idx
            ON vendor_orders (vendor_store_id, buyer_store_id, created_at DESC, id DESC);
        """
    )


def downgrade() -> None:
    """Take it away again."""
    op.execute(
        """
        DROP INDEX vendor_orders_customer_idx;
        ALTER TABLE vendor_orders DROP CONSTRAINT vendor_orders_refunded_cents_check,
            DROP CONSTRAINT vendor_orders_refund_status_check, DROP COLUMN payout_returned_at,
            DROP COLUMN vendor_paid_at, DROP COLUMN refunded_cents, DROP COLUMN refund_status;
        """
    )
