"""What came in and was taken out, as rows that nobody can change."""

from alembic import op

from meshkit.db.migrate import drop_append_only, make_append_only

revision = "0002"
down_revision = "0001"

_TABLE = """
CREATE TABLE stock_movements (
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    kind TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    available_after BIGINT NOT NULL,
    reason TEXT NOT NULL,
    cause TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_user_id UUID,
    request_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT stock_movements_pk PRIMARY KEY (id),
    CONSTRAINT stock_movements_product_id_fk FOREIGN KEY(product_id) REFERENCES products (id),
    CONSTRAINT stock_movements_kind_check CHECK (kind IN ('received', 'adjusted', 'counted', 'set')),
    CONSTRAINT stock_movements_cause_check CHECK (cause IN ('product', 'vendor', 'import', 'migration')),
    CONSTRAINT stock_movements_quantity_check CHECK (quantity <> 0 OR kind = 'counted'),
    CONSTRAINT stock_movements_available_after_check CHECK (available_after >= 0)
);
CREATE INDEX stock_movements_product_id_created_at_idx ON stock_movements (product_id, created_at DESC, id DESC);
"""
# What there is already came in somehow: one movement per product opens its account.
_OPEN = """
INSERT INTO stock_movements
    (id, product_id, kind, quantity, available_after, reason, cause, actor, request_id, created_at)
SELECT gen_random_uuid(), product_id, 'received', received_qty, available_qty, '', 'migration', 'migration', '', now()
FROM inventory_items WHERE received_qty <> 0;
"""
# The version before, while it is still running, changes what was received without a movement: at the commit the missing one
# is written for it. Reserve and what follows it do not touch that column, so that the trigger costs them nothing.
_COMPLETE = """
CREATE FUNCTION complete_stock_movements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stock_movements
        (id, product_id, kind, quantity, available_after, reason, cause, actor, request_id, created_at)
    SELECT gen_random_uuid(), i.product_id, 'set', i.received_qty - m.quantity, i.available_qty, '', 'migration',
           'migration', '', now()
    FROM inventory_items i, LATERAL (
        SELECT coalesce(sum(s.quantity), 0) AS quantity FROM stock_movements s WHERE s.product_id = i.product_id
    ) m WHERE i.product_id = NEW.product_id AND i.received_qty <> m.quantity;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER inventory_items_complete AFTER INSERT OR UPDATE OF received_qty ON inventory_items
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION complete_stock_movements();
"""


def upgrade() -> None:
    """Create the table and open every product's account."""
    op.execute(_TABLE)
    op.execute(_OPEN)
    op.execute(_COMPLETE)
    make_append_only("stock_movements")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP FUNCTION complete_stock_movements() CASCADE")
    drop_append_only("stock_movements")
    op.execute("DROP TABLE stock_movements")
