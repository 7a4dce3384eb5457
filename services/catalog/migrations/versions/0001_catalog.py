"""The first tables of catalog."""

from alembic import op

from meshkit.db.migrate import create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE products (
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    sku TEXT NOT NULL,
    title TEXT NOT NULL,
    subtitle TEXT NOT NULL,
    body_html TEXT NOT NULL,
    strain TEXT NOT NULL,
    category TEXT NOT NULL,
    classification TEXT,
    unit TEXT NOT NULL,
    feelings TEXT[] NOT NULL,
    flavors TEXT[] NOT NULL,
    usages TEXT[] NOT NULL,
    moq INTEGER NOT NULL,
    max_qty INTEGER NOT NULL,
    price_cents BIGINT NOT NULL,
    compare_at_price_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    thc_basis_points INTEGER,
    cbd_basis_points INTEGER,
    coa_media_id UUID,
    is_active BOOLEAN NOT NULL,
    is_featured BOOLEAN NOT NULL,
    search_words TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT products_pk PRIMARY KEY (id),
    CONSTRAINT products_store_id_sku_key UNIQUE (store_id, sku),
    CONSTRAINT products_category_check CHECK (category IN ('flower', 'cart', 'pre_roll', 'edible', 'concentrate', 'beverage', 'vape', 'topical', 'tincture', 'seed', 'seedling', 'accessory')),
    CONSTRAINT products_classification_check CHECK (classification IN ('sativa', 'hybrid', 'indica', 'cbd', 'hemp', 'balanced')),
    CONSTRAINT products_unit_check CHECK (unit IN ('unit', 'gram', 'ounce', 'pound', 'eighth', 'sixteenth')),
    CONSTRAINT products_feelings_check CHECK (feelings <@ ARRAY['relaxed', 'happy', 'euphoric', 'focused', 'hungry', 'talkative', 'creative', 'sleepy', 'uplifted', 'calm']),
    CONSTRAINT products_flavors_check CHECK (flavors <@ ARRAY['earthy', 'citrus', 'fruity', 'floral', 'cheese', 'diesel', 'spicy', 'sweet', 'pine', 'herbal']),
    CONSTRAINT products_usages_check CHECK (usages <@ ARRAY['stress_relief', 'pain_relief', 'sleep', 'depression', 'muscle_relaxant', 'nausea', 'anxiety', 'appetite_stimulation']),
    CONSTRAINT products_moq_check CHECK (moq >= 1 AND (max_qty = 0 OR max_qty >= moq)),
    CONSTRAINT products_price_check CHECK (price_cents >= 0 AND compare_at_price_cents >= 0),
    CONSTRAINT products_thc_check CHECK (thc_basis_points BETWEEN 0 AND 10000),
    CONSTRAINT products_cbd_check CHECK (cbd_basis_points BETWEEN 0 AND 10000)
);
CREATE INDEX products_listed_category_idx ON products (category, created_at DESC, id DESC) WHERE is_active;
CREATE INDEX products_listed_idx ON products (created_at DESC, id DESC) WHERE is_active;
CREATE INDEX products_store_id_created_at_idx ON products (store_id, created_at DESC, id DESC);
CREATE INDEX products_trigrams_idx ON products USING gin (search_words gin_trgm_ops);
CREATE INDEX products_words_idx ON products USING gin (to_tsvector('simple', search_words));
CREATE TABLE promos (
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    code TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT promos_pk PRIMARY KEY (id),
    CONSTRAINT promos_store_id_code_key UNIQUE (store_id, code),
    CONSTRAINT promos_amount_cents_check CHECK (amount_cents > 0)
);
CREATE TABLE reservations (
    line_id UUID NOT NULL,
    group_id UUID NOT NULL,
    order_id UUID NOT NULL,
    product_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT reservations_pk PRIMARY KEY (line_id),
    CONSTRAINT reservations_quantity_check CHECK (quantity > 0),
    CONSTRAINT reservations_state_check CHECK (state IN ('reserved', 'consumed', 'released', 'expired', 'refused')),
    CONSTRAINT reservations_reason_check CHECK (CASE state WHEN 'refused' THEN reason IN ('not_available', 'insufficient_inventory') ELSE reason = '' END)
);
CREATE INDEX reservations_expires_at_idx ON reservations (expires_at) WHERE state = 'reserved' AND expires_at IS NOT NULL;
CREATE INDEX reservations_group_id_idx ON reservations (group_id);
CREATE INDEX reservations_order_id_idx ON reservations (order_id);
CREATE INDEX reservations_product_id_idx ON reservations (product_id) WHERE state IN ('reserved', 'consumed');
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
CREATE INDEX store_gates_visible_idx ON store_gates (state, store_id) WHERE type = 'vendor' AND kyc_status = 'verified' AND subscription_active;
CREATE TABLE inventory_items (
    product_id UUID NOT NULL,
    available_qty BIGINT NOT NULL,
    reserved_qty BIGINT NOT NULL,
    consumed_qty BIGINT NOT NULL,
    received_qty BIGINT NOT NULL,
    low_stock_threshold INTEGER NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT inventory_items_pk PRIMARY KEY (product_id),
    CONSTRAINT inventory_items_product_id_fk FOREIGN KEY(product_id) REFERENCES products (id),
    CONSTRAINT inventory_items_available_qty_check CHECK (available_qty >= 0),
    CONSTRAINT inventory_items_reserved_qty_check CHECK (reserved_qty >= 0),
    CONSTRAINT inventory_items_consumed_qty_check CHECK (consumed_qty >= 0),
    CONSTRAINT inventory_items_low_stock_threshold_check CHECK (low_stock_threshold >= 0),
    CONSTRAINT inventory_items_received_qty_check CHECK (available_qty + reserved_qty + consumed_qty = received_qty)
);
CREATE TABLE product_media (
    product_id UUID NOT NULL,
    position INTEGER NOT NULL,
    media_id UUID NOT NULL,
    gcs_key TEXT NOT NULL,
    CONSTRAINT product_media_pk PRIMARY KEY (product_id, position),
    CONSTRAINT product_media_product_id_media_id_key UNIQUE (product_id, media_id),
    CONSTRAINT product_media_product_id_fk FOREIGN KEY(product_id) REFERENCES products (id)
);
CREATE TABLE volume_discounts (
    product_id UUID NOT NULL,
    min_qty INTEGER NOT NULL,
    discount_basis_points INTEGER NOT NULL,
    CONSTRAINT volume_discounts_pk PRIMARY KEY (product_id, min_qty),
    CONSTRAINT volume_discounts_product_id_fk FOREIGN KEY(product_id) REFERENCES products (id),
    CONSTRAINT volume_discounts_min_qty_check CHECK (min_qty >= 1),
    CONSTRAINT volume_discounts_discount_check CHECK (discount_basis_points BETWEEN 0 AND 10000)
);
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    # Made by the superuser where databases are made; this is for those made by hand.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute(
        "DROP TABLE volume_discounts, product_media, inventory_items, store_gates, reservations, promos, products"
    )
    drop_platform_tables()
