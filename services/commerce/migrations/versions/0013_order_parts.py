"""An order's row keeps what decides about it; what others said of it stands in tables of their own, the buyer's words in the cart.

Commerce is stopped meanwhile (decision 39): code of before knows none of the new tables and writes columns that are gone.
"""

from alembic import op

from meshkit.db.migrate import give_back, require_stopped, take_away

revision = "0013"
down_revision = "0012"

_TABLES = """
CREATE TABLE order_settlements (
    order_id UUID NOT NULL,
    refunded_cents BIGINT NOT NULL DEFAULT 0,
    credited_cents BIGINT NOT NULL DEFAULT 0,
    vendor_paid_at TIMESTAMP WITH TIME ZONE,
    payout_returned_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT order_settlements_pk PRIMARY KEY (order_id),
    CONSTRAINT order_settlements_order_id_fk FOREIGN KEY(order_id) REFERENCES vendor_orders (id),
    CONSTRAINT order_settlements_credited_cents_check CHECK (credited_cents BETWEEN 0 AND refunded_cents),
    CONSTRAINT order_settlements_something_check
        CHECK (refunded_cents > 0 OR vendor_paid_at IS NOT NULL OR payout_returned_at IS NOT NULL)
);
CREATE TABLE order_delivery_steps (
    order_id UUID NOT NULL,
    picked_up_at TIMESTAMP WITH TIME ZONE,
    picked_up_by UUID,
    delivered_by UUID,
    CONSTRAINT order_delivery_steps_pk PRIMARY KEY (order_id),
    CONSTRAINT order_delivery_steps_order_id_fk FOREIGN KEY(order_id) REFERENCES vendor_orders (id),
    CONSTRAINT order_delivery_steps_pickup_check CHECK ((picked_up_by IS NULL) = (picked_up_at IS NULL)),
    CONSTRAINT order_delivery_steps_something_check CHECK (num_nonnulls(picked_up_by, delivered_by) > 0)
);
ALTER TABLE cart_records ADD COLUMN notes TEXT NOT NULL DEFAULT '';
"""
_FILL = """
INSERT INTO order_settlements (order_id, refunded_cents, credited_cents, vendor_paid_at, payout_returned_at)
SELECT id, refunded_cents, credited_cents, vendor_paid_at, payout_returned_at FROM vendor_orders
WHERE refunded_cents > 0 OR num_nonnulls(vendor_paid_at, payout_returned_at) > 0;
INSERT INTO order_delivery_steps (order_id, picked_up_at, picked_up_by, delivered_by)
SELECT id, picked_up_at, picked_up_by, delivered_by FROM vendor_orders
WHERE num_nonnulls(picked_up_at, picked_up_by, delivered_by) > 0;
UPDATE cart_records c SET notes = o.notes FROM vendor_orders o WHERE o.cart_id = c.id AND o.notes <> '';
"""
# Columns that orders did not have from the beginning are empty in older rows: those show what their cart has from now on.
_REQUIRE_SAME = """
DO $$ DECLARE different uuid; BEGIN
    SELECT o.id INTO different FROM vendor_orders o
    LEFT JOIN cart_records c ON c.id = o.cart_id
    LEFT JOIN order_retries r ON r.checkout_group_id = o.checkout_group_id
    WHERE c.shipping_address IS DISTINCT FROM o.shipping_address
        OR c.notes IS DISTINCT FROM o.notes
        OR (o.shipping_line IS NOT NULL AND c.shipping_line IS DISTINCT FROM o.shipping_line)
        OR (o.attribution_tokens <> '[]' AND c.attribution_tokens IS DISTINCT FROM o.attribution_tokens)
        OR r.order_id IS DISTINCT FROM o.retry_of
    LIMIT 1;
    IF different IS NOT NULL THEN
        RAISE EXCEPTION 'order % does not say what its cart or its retry says', different USING ERRCODE = 'check_violation';
    END IF;
END $$
"""
# Checks and the index of what is dropped go with it.
_ORDERS = """
ALTER TABLE vendor_orders
    DROP COLUMN refund_status, DROP COLUMN refunded_cents, DROP COLUMN credited_cents, DROP COLUMN vendor_paid_at,
    DROP COLUMN payout_returned_at, DROP COLUMN picked_up_at, DROP COLUMN picked_up_by, DROP COLUMN delivered_by,
    DROP COLUMN retry_of, DROP COLUMN attribution_tokens, DROP COLUMN notes, DROP COLUMN shipping_line,
    DROP COLUMN shipping_address,
    ADD CONSTRAINT vendor_orders_cart_id_fk FOREIGN KEY(cart_id) REFERENCES cart_records (id)
"""
_WHOLE = {"UPDATE, DELETE": ("order_settlements", "order_delivery_steps")}
_COLUMNS = {
    "UPDATE (refunded_cents, credited_cents, vendor_paid_at, payout_returned_at)": ("order_settlements",),
    "UPDATE (delivered_by)": ("order_delivery_steps",),
}

_ORDERS_OF_BEFORE = """
ALTER TABLE vendor_orders
    DROP CONSTRAINT vendor_orders_cart_id_fk,
    ADD COLUMN refund_status TEXT DEFAULT 'none' NOT NULL,
    ADD COLUMN refunded_cents BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN credited_cents BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN vendor_paid_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN payout_returned_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN picked_up_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN picked_up_by UUID,
    ADD COLUMN delivered_by UUID,
    ADD COLUMN retry_of UUID,
    ADD COLUMN attribution_tokens JSONB DEFAULT '[]' NOT NULL,
    ADD COLUMN notes TEXT DEFAULT '' NOT NULL,
    ADD COLUMN shipping_line JSONB,
    ADD COLUMN shipping_address JSONB;
UPDATE vendor_orders o SET attribution_tokens = c.attribution_tokens, notes = c.notes,
    shipping_line = nullif(c.shipping_line, 'null'), shipping_address = c.shipping_address, retry_of = r.order_id,
    refunded_cents = coalesce(s.refunded_cents, 0), credited_cents = coalesce(s.credited_cents, 0),
    vendor_paid_at = s.vendor_paid_at, payout_returned_at = s.payout_returned_at,
    refund_status = CASE coalesce(s.refunded_cents, 0) WHEN 0 THEN 'none' WHEN o.total_cents THEN 'full' ELSE 'partial' END,
    picked_up_at = d.picked_up_at, picked_up_by = d.picked_up_by, delivered_by = d.delivered_by
FROM cart_records c, vendor_orders w
LEFT JOIN order_retries r ON r.checkout_group_id = w.checkout_group_id
LEFT JOIN order_settlements s ON s.order_id = w.id
LEFT JOIN order_delivery_steps d ON d.order_id = w.id
WHERE c.id = o.cart_id AND w.id = o.id;
ALTER TABLE vendor_orders
    ALTER COLUMN shipping_address SET NOT NULL,
    ADD CONSTRAINT vendor_orders_retry_of_fk FOREIGN KEY (retry_of) REFERENCES vendor_orders (id),
    ADD CONSTRAINT vendor_orders_refund_status_check CHECK (refund_status IN ('none', 'partial', 'full')),
    ADD CONSTRAINT vendor_orders_refunded_cents_check CHECK (
        refunded_cents BETWEEN 0 AND total_cents AND (refund_status = 'none') = (refunded_cents = 0)
        AND (refund_status = 'full') = (refunded_cents > 0 AND refunded_cents = total_cents));
CREATE UNIQUE INDEX vendor_orders_retry_of_key ON vendor_orders (retry_of) WHERE retry_of IS NOT NULL;
DROP TABLE order_settlements, order_delivery_steps;
ALTER TABLE cart_records DROP COLUMN notes;
"""


def upgrade() -> None:
    """Move them out. Refused for an order that says something else than the cart or the retry that is read from now on."""
    require_stopped()
    op.execute(_TABLES)
    op.execute(_FILL)
    op.execute(_REQUIRE_SAME)
    op.execute(_ORDERS)
    take_away(_WHOLE)
    give_back(_COLUMNS)


def downgrade() -> None:
    """Move them back."""
    require_stopped()
    op.execute(_ORDERS_OF_BEFORE)
