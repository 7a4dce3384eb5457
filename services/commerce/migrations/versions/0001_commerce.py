"""The first tables of commerce."""

from alembic import op

from meshkit.db.migrate import create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE cart_records (
    id UUID NOT NULL,
    buyer_store_id UUID NOT NULL,
    status TEXT NOT NULL,
    checkout_group_id UUID,
    currency TEXT NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    subtotal_cents BIGINT NOT NULL,
    discounts_cents BIGINT NOT NULL,
    total_cents BIGINT NOT NULL,
    attribution_tokens JSONB NOT NULL,
    payment_method TEXT,
    shipping_address JSONB,
    billing_address JSONB,
    shipping_line JSONB,
    tip_cents BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    converted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT cart_records_pk PRIMARY KEY (id),
    CONSTRAINT cart_records_status_check CHECK (status IN ('active', 'converted', 'superseded')),
    CONSTRAINT cart_records_total_cents_check CHECK (subtotal_cents - discounts_cents = total_cents),
    CONSTRAINT cart_records_checkout_group_id_check CHECK ((status = 'converted') = (checkout_group_id IS NOT NULL))
);
CREATE UNIQUE INDEX cart_records_active_key ON cart_records (buyer_store_id) WHERE status = 'active';
CREATE INDEX cart_records_checkout_group_id_idx ON cart_records (checkout_group_id);
CREATE TABLE store_gates (
    store_id UUID NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    kyc_status TEXT NOT NULL,
    subscription_active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT store_gates_pk PRIMARY KEY (store_id)
);
CREATE TABLE vendor_orders (
    id UUID NOT NULL,
    order_number BIGINT GENERATED ALWAYS AS IDENTITY,
    cart_id UUID NOT NULL,
    checkout_group_id UUID NOT NULL,
    buyer_store_id UUID NOT NULL,
    buyer_store_name TEXT NOT NULL,
    vendor_store_id UUID NOT NULL,
    vendor_store_name TEXT NOT NULL,
    currency TEXT NOT NULL,
    shipping_address JSONB NOT NULL,
    status TEXT NOT NULL,
    hold_reason TEXT,
    held_status TEXT,
    held_reason TEXT,
    fulfillment_status TEXT NOT NULL,
    shipping_status TEXT NOT NULL,
    payment_status TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    payment_intent_id UUID NOT NULL,
    promo TEXT NOT NULL,
    promo_cents BIGINT NOT NULL,
    subtotal_cents BIGINT NOT NULL,
    discount_cents BIGINT NOT NULL,
    tax_cents BIGINT NOT NULL,
    transport_fee_cents BIGINT NOT NULL,
    total_cents BIGINT NOT NULL,
    balance_due_cents BIGINT NOT NULL,
    cancel_reason TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    fulfilled_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    canceled_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT vendor_orders_pk PRIMARY KEY (id),
    CONSTRAINT vendor_orders_order_number_key UNIQUE (order_number),
    CONSTRAINT vendor_orders_checkout_group_id_vendor_store_id_key UNIQUE (checkout_group_id, vendor_store_id),
    CONSTRAINT vendor_orders_parties_check CHECK (buyer_store_id <> vendor_store_id),
    CONSTRAINT vendor_orders_status_check CHECK (status IN ('created_pending', 'accepted', 'partially_accepted', 'rejected', 'fulfilled', 'ready_for_dispatch', 'hold', 'hold_for_pickup', 'in_transit', 'delivered', 'closed', 'canceled', 'expired')),
    CONSTRAINT vendor_orders_hold_reason_check CHECK (hold_reason IN ('awaiting_pickup', 'payment_mismatch')),
    CONSTRAINT vendor_orders_hold_check CHECK ((status = 'hold') = (hold_reason IS NOT NULL)),
    CONSTRAINT vendor_orders_held_status_check CHECK ((hold_reason IS NOT DISTINCT FROM 'payment_mismatch') = (held_status IS NOT NULL)),
    CONSTRAINT vendor_orders_fulfillment_check CHECK (fulfillment_status IN ('pending', 'partial', 'fulfilled')),
    CONSTRAINT vendor_orders_shipping_check CHECK (shipping_status IN ('pending', 'dispatched', 'in_transit', 'delivered')),
    CONSTRAINT vendor_orders_payment_status_check CHECK (payment_status IN ('unpaid', 'pending', 'settled', 'paid', 'failed', 'rejected')),
    CONSTRAINT vendor_orders_payment_method_check CHECK (payment_method IN ('cash', 'ach')),
    CONSTRAINT vendor_orders_total_cents_check CHECK (subtotal_cents - discount_cents + tax_cents + transport_fee_cents = total_cents AND discount_cents >= 0 AND transport_fee_cents >= 0 AND total_cents >= 0 AND balance_due_cents >= 0)
);
CREATE INDEX vendor_orders_actionable_idx ON vendor_orders (vendor_store_id, created_at DESC, id DESC) WHERE status IN ('created_pending', 'accepted', 'partially_accepted');
CREATE INDEX vendor_orders_buyer_idx ON vendor_orders (buyer_store_id, created_at DESC, id DESC);
CREATE INDEX vendor_orders_cart_id_idx ON vendor_orders (cart_id);
CREATE INDEX vendor_orders_vendor_idx ON vendor_orders (vendor_store_id, created_at DESC, id DESC);
CREATE INDEX vendor_orders_vendor_status_idx ON vendor_orders (vendor_store_id, status, created_at DESC, id DESC);
CREATE TABLE cart_items (
    id UUID NOT NULL,
    cart_id UUID NOT NULL,
    position INTEGER NOT NULL,
    product_id UUID NOT NULL,
    vendor_store_id UUID NOT NULL,
    vendor_store_name TEXT NOT NULL,
    sku TEXT NOT NULL,
    title TEXT NOT NULL,
    category TEXT NOT NULL,
    classification TEXT NOT NULL,
    strain TEXT NOT NULL,
    unit TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    moq INTEGER NOT NULL,
    max_qty INTEGER NOT NULL,
    unit_price_cents BIGINT NOT NULL,
    effective_unit_price_cents BIGINT NOT NULL,
    line_subtotal_cents BIGINT NOT NULL,
    line_discounts_cents BIGINT NOT NULL,
    line_total_cents BIGINT NOT NULL,
    applied_min_qty INTEGER,
    applied_percent TEXT,
    status TEXT NOT NULL,
    warnings JSONB NOT NULL,
    CONSTRAINT cart_items_pk PRIMARY KEY (id),
    CONSTRAINT cart_items_cart_id_product_id_key UNIQUE (cart_id, product_id, vendor_store_id),
    CONSTRAINT cart_items_cart_id_fk FOREIGN KEY(cart_id) REFERENCES cart_records (id),
    CONSTRAINT cart_items_status_check CHECK (status IN ('ok', 'not_available', 'invalid')),
    CONSTRAINT cart_items_quantity_check CHECK (quantity > 0)
);
CREATE TABLE cart_vendor_groups (
    cart_id UUID NOT NULL,
    vendor_store_id UUID NOT NULL,
    vendor_store_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    status TEXT NOT NULL,
    warnings JSONB NOT NULL,
    promo TEXT NOT NULL,
    promo_cents BIGINT NOT NULL,
    subtotal_cents BIGINT NOT NULL,
    line_discounts_cents BIGINT NOT NULL,
    promo_discount_cents BIGINT NOT NULL,
    discounts_cents BIGINT NOT NULL,
    total_cents BIGINT NOT NULL,
    CONSTRAINT cart_vendor_groups_pk PRIMARY KEY (cart_id, vendor_store_id),
    CONSTRAINT cart_vendor_groups_cart_id_fk FOREIGN KEY(cart_id) REFERENCES cart_records (id),
    CONSTRAINT cart_vendor_groups_status_check CHECK (status IN ('ok', 'invalid'))
);
CREATE TABLE checkout_attempts (
    cart_id UUID NOT NULL,
    buyer_store_id UUID NOT NULL,
    checkout_group_id UUID NOT NULL,
    state TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    converted_at TIMESTAMP WITH TIME ZONE,
    response BYTEA,
    CONSTRAINT checkout_attempts_pk PRIMARY KEY (cart_id),
    CONSTRAINT checkout_attempts_checkout_group_id_key UNIQUE (checkout_group_id),
    CONSTRAINT checkout_attempts_cart_id_fk FOREIGN KEY(cart_id) REFERENCES cart_records (id),
    CONSTRAINT checkout_attempts_state_check CHECK (state IN ('reserving', 'converted', 'failed')),
    CONSTRAINT checkout_attempts_response_check CHECK ((state = 'converted') = (response IS NOT NULL))
);
CREATE TABLE order_line_items (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    position INTEGER NOT NULL,
    cart_item_id UUID NOT NULL,
    product_id UUID NOT NULL,
    product_name TEXT NOT NULL,
    sku TEXT NOT NULL,
    category TEXT NOT NULL,
    classification TEXT NOT NULL,
    strain TEXT NOT NULL,
    unit TEXT NOT NULL,
    moq INTEGER NOT NULL,
    max_qty INTEGER NOT NULL,
    qty INTEGER NOT NULL,
    unit_price_cents BIGINT NOT NULL,
    discount_cents BIGINT NOT NULL,
    line_subtotal_cents BIGINT NOT NULL,
    total_cents BIGINT NOT NULL,
    applied_min_qty INTEGER,
    applied_percent TEXT,
    status TEXT NOT NULL,
    notes TEXT NOT NULL,
    CONSTRAINT order_line_items_pk PRIMARY KEY (id),
    CONSTRAINT order_line_items_order_id_cart_item_id_key UNIQUE (order_id, cart_item_id),
    CONSTRAINT order_line_items_order_id_fk FOREIGN KEY(order_id) REFERENCES vendor_orders (id),
    CONSTRAINT order_line_items_status_check CHECK (status IN ('pending', 'accepted', 'rejected', 'fulfilled', 'hold')),
    CONSTRAINT order_line_items_qty_check CHECK (qty > 0),
    CONSTRAINT order_line_items_total_cents_check CHECK (line_subtotal_cents - discount_cents = total_cents AND discount_cents >= 0)
);
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute(
        "DROP TABLE order_line_items, checkout_attempts, cart_vendor_groups, cart_items, vendor_orders, store_gates, cart_records"
    )
    drop_platform_tables()
