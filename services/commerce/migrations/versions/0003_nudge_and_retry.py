"""Buyers remind vendors and retry expired orders; orders keep the tokens of their cart."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone, and where each retry stands."""
    op.execute(
        """
        ALTER TABLE vendor_orders
            ADD COLUMN buyer_nudged_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN retry_of UUID,
            ADD COLUMN attribution_tokens JSONB DEFAULT '[]' NOT NULL,
            ADD CONSTRAINT vendor_orders_retry_of_fk FOREIGN KEY (retry_of) REFERENCES vendor_orders (id);
        CREATE UNIQUE INDEX vendor_orders_retry_of_key ON vendor_orders (retry_of) WHERE retry_of IS NOT NULL;
        CREATE TABLE order_retries (
            order_id UUID NOT NULL,
            checkout_group_id UUID NOT NULL,
            state TEXT NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE NOT NULL,
            response BYTEA,
            CONSTRAINT order_retries_pk PRIMARY KEY (order_id),
            CONSTRAINT order_retries_checkout_group_id_key UNIQUE (checkout_group_id),
            CONSTRAINT order_retries_order_id_fk FOREIGN KEY (order_id) REFERENCES vendor_orders (id),
            CONSTRAINT order_retries_state_check CHECK (state IN ('reserving', 'converted', 'failed')),
            CONSTRAINT order_retries_response_check CHECK ((state = 'converted') = (response IS NOT NULL))
        );
        """
    )


def downgrade() -> None:
    """Take it away again."""
    op.execute(
        """
        DROP TABLE order_retries;
        DROP INDEX vendor_orders_retry_of_key;
        ALTER TABLE vendor_orders DROP CONSTRAINT vendor_orders_retry_of_fk, DROP COLUMN attribution_tokens,
            DROP COLUMN retry_of, DROP COLUMN buyer_nudged_at;
        """
    )
