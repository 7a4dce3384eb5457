"""How long an order may wait for its vendor."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what the lifetime job marks, and what vendors decide about it."""
    op.execute(
        """
        ALTER TABLE vendor_orders
            ADD COLUMN pending_nudged_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN expired_at TIMESTAMP WITH TIME ZONE,
            ADD CONSTRAINT vendor_orders_expired_check CHECK ((status = 'expired') = (expired_at IS NOT NULL));
        ALTER TABLE order_line_items ADD COLUMN expired_at TIMESTAMP WITH TIME ZONE;
        CREATE INDEX vendor_orders_pending_idx ON vendor_orders (created_at, id) WHERE status = 'created_pending';
        CREATE TABLE vendor_order_policies (
            vendor_store_id UUID NOT NULL,
            nudge_after_days INTEGER NOT NULL,
            expire_after_days INTEGER NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT vendor_order_policies_pk PRIMARY KEY (vendor_store_id),
            CONSTRAINT vendor_order_policies_days_check
                CHECK (nudge_after_days >= 1 AND nudge_after_days < expire_after_days AND expire_after_days <= 30)
        );
        """
    )


def downgrade() -> None:
    """Take it away again."""
    op.execute(
        """
        DROP TABLE vendor_order_policies;
        DROP INDEX vendor_orders_pending_idx;
        ALTER TABLE order_line_items DROP COLUMN expired_at;
        ALTER TABLE vendor_orders DROP CONSTRAINT vendor_orders_expired_check, DROP COLUMN pending_nudged_at,
            DROP COLUMN expired_at;
        """
    )
