"""Products can be changed and deleted."""

from alembic import op

revision = "0003"
down_revision = "0002"

_UP = """
ALTER TABLE products ADD COLUMN gallery_flow UUID, ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT products_deleted_at_check CHECK (deleted_at IS NULL OR NOT is_active);
ALTER TABLE products DROP CONSTRAINT products_store_id_sku_key;
CREATE UNIQUE INDEX products_store_id_sku_key ON products (store_id, sku) WHERE deleted_at IS NULL;
"""
# What is deleted must not come back, nor stand in the way of what has its SKU now.
_DOWN = """
UPDATE products SET sku = sku || ' ' || id WHERE deleted_at IS NOT NULL;
DROP INDEX products_store_id_sku_key;
ALTER TABLE products ADD CONSTRAINT products_store_id_sku_key UNIQUE (store_id, sku);
ALTER TABLE products DROP COLUMN gallery_flow, DROP COLUMN deleted_at;
"""


def upgrade() -> None:
    """Add what changing needs."""
    op.execute(_UP)


def downgrade() -> None:
    """Take it away; deleted products stay inactive."""
    op.execute(_DOWN)
