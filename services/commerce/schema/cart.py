"""The tables of cart. Each names its invariant; only commerce writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db.tables import instant
from services.commerce.schema.base import cents, metadata, texts

# A buyer's quotes. Invariant: one active cart per buyer; a converted or superseded one never changes again.
cart_records = Table(
    "cart_records",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("buyer_store_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("checkout_group_id", Uuid),
    Column("currency", Text, nullable=False),
    instant("valid_until"),
    *cents("subtotal_cents", "discounts_cents", "total_cents"),
    Column("attribution_tokens", JSONB, nullable=False),
    # NULL before quotes had versions; such a quote must be made anew to be bought.
    Column("quote_version", Text),
    Column("promo_warnings", JSONB, nullable=False, server_default=text("'[]'")),
    # First as the buyer said with a quote, then as it was checked out; the tip is not part of any order's total.
    Column("payment_method", Text),
    Column("shipping_address", JSONB),
    Column("billing_address", JSONB),
    Column("shipping_line", JSONB),
    Column("tip_cents", BigInteger),
    # What the buyer wrote to its vendors at checkout.
    Column("notes", Text, nullable=False, server_default=text("''")),
    instant("created_at"),
    instant("updated_at"),
    instant("converted_at", nullable=True),
    PrimaryKeyConstraint("id", name="cart_records_pk"),
    CheckConstraint("status IN ('active', 'converted', 'superseded')", name="cart_records_status_check"),
    CheckConstraint("subtotal_cents - discounts_cents = total_cents", name="cart_records_total_cents_check"),
    CheckConstraint(
        "(status = 'converted') = (checkout_group_id IS NOT NULL)", name="cart_records_checkout_group_id_check"
    ),
)
Index(
    "cart_records_active_key",
    cart_records.c.buyer_store_id,
    unique=True,
    postgresql_where=text("status = 'active'"),
)
Index("cart_records_checkout_group_id_idx", cart_records.c.checkout_group_id)
Index("cart_records_buyer_updated_at_idx", cart_records.c.buyer_store_id, cart_records.c.updated_at.desc())

# Replaced as a whole by every quote. Only `ok` items count in totals and become order lines.
cart_items = Table(
    "cart_items",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("cart_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("vendor_store_id", Uuid, nullable=False),
    *texts("vendor_store_name", "sku", "title", "category", "classification", "strain", "unit"),
    Column("quantity", Integer, nullable=False),
    Column("moq", Integer, nullable=False),
    Column("max_qty", Integer, nullable=False),
    *cents("unit_price_cents", "effective_unit_price_cents"),
    *cents("line_subtotal_cents", "line_discounts_cents", "line_total_cents"),
    Column("applied_min_qty", Integer),
    Column("applied_percent", Text),
    Column("status", Text, nullable=False),
    Column("warnings", JSONB, nullable=False),
    Column("thumbnail_media_id", Uuid),
    PrimaryKeyConstraint("id", name="cart_items_pk"),
    UniqueConstraint("cart_id", "product_id", "vendor_store_id", name="cart_items_cart_id_product_id_key"),
    ForeignKeyConstraint(["cart_id"], ["cart_records.id"], name="cart_items_cart_id_fk"),
    CheckConstraint("status IN ('ok', 'not_available', 'invalid')", name="cart_items_status_check"),
    CheckConstraint("quantity > 0", name="cart_items_quantity_check"),
)

# One row per vendor of a cart. `promo_cents` is the face value, which is applied again when lines are rejected.
cart_vendor_groups = Table(
    "cart_vendor_groups",
    metadata,
    Column("cart_id", Uuid, nullable=False),
    Column("vendor_store_id", Uuid, nullable=False),
    Column("vendor_store_name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("warnings", JSONB, nullable=False),
    Column("promo", Text, nullable=False),
    *cents("promo_cents", "subtotal_cents", "line_discounts_cents", "promo_discount_cents"),
    *cents("discounts_cents", "total_cents"),
    PrimaryKeyConstraint("cart_id", "vendor_store_id", name="cart_vendor_groups_pk"),
    ForeignKeyConstraint(["cart_id"], ["cart_records.id"], name="cart_vendor_groups_cart_id_fk"),
    CheckConstraint("status IN ('ok', 'invalid')", name="cart_vendor_groups_status_check"),
)
