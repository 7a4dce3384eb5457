"""Who delivers an order; room for what earned it."""

from alembic import op

revision = "0005"
down_revision = "0004"

_ATTRIBUTED = """
    ALTER TABLE {table}
        ADD COLUMN attribution JSONB,
        ADD COLUMN attributed_ad_id UUID,
        ADD CONSTRAINT {table}_attribution_check
            CHECK ((attribution ->> 'ad_id') IS NOT DISTINCT FROM CAST(attributed_ad_id AS TEXT));
    CREATE INDEX {table}_attributed_ad_id_idx ON {table} (attributed_ad_id) WHERE attributed_ad_id IS NOT NULL;
"""
_NOT_ATTRIBUTED = """
    DROP INDEX {table}_attributed_ad_id_idx;
    ALTER TABLE {table} DROP CONSTRAINT {table}_attribution_check, DROP COLUMN attributed_ad_id,
        DROP COLUMN attribution;
"""
_TABLES = ("vendor_orders", "order_line_items")


def upgrade() -> None:
    """Add a table, and columns that code which is still running leaves alone."""
    op.execute(
        """
        CREATE TABLE order_assignments (
            order_id UUID NOT NULL,
            agent_user_id UUID NOT NULL,
            reason TEXT NOT NULL,
            assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
            version BIGINT NOT NULL,
            CONSTRAINT order_assignments_pk PRIMARY KEY (order_id)
        );
        CREATE INDEX cart_records_buyer_updated_at_idx ON cart_records (buyer_store_id, updated_at DESC);
        """
    )
    for table in _TABLES:
        op.execute(_ATTRIBUTED.format(table=table))


def downgrade() -> None:
    """Take it away again."""
    for table in _TABLES:
        op.execute(_NOT_ATTRIBUTED.format(table=table))
    op.execute("DROP INDEX cart_records_buyer_updated_at_idx; DROP TABLE order_assignments")
