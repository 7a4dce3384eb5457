"""Catalog's tables. Each names its invariant; only catalog writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from meshkit.db.tables import instant, platform_metadata
from services.catalog.products.domain.product import Category, Classification, Feeling, Flavor, Unit, Usage
from services.catalog.stock.domain.reservations import Refusal, ReservationState
from services.catalog.stock.domain.stock import Cause, MovementKind

if TYPE_CHECKING:
    from enum import StrEnum

metadata = platform_metadata()
# What a vendor marks its goods with: batch, track and trace tag, barcode, packaging.
MARKS = ("batch_id", "metric_tag", "barcode", "packaging_type")
# The text search configuration that leaves words as they are: products have names, not prose.
SIMPLE = text("'simple'")


def _words(words: type[StrEnum]) -> str:
    return ", ".join(f"'{word}'" for word in words)


# One row per product; SKUs are unique within what a store has not deleted. Deleted products are inactive and not
# shown; the rows stay for the stock that orders hold. `gallery_flow` is the flow that last began to change a product's
# files: only it may record what it attached. `search_words` are the plain words of what can be searched.
products = Table(
    "products",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("sku", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("subtitle", Text, nullable=False),
    Column("body_html", Text, nullable=False),
    Column("strain", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("classification", Text),
    Column("unit", Text, nullable=False),
    Column("feelings", ARRAY(Text), nullable=False),
    Column("flavors", ARRAY(Text), nullable=False),
    Column("usages", ARRAY(Text), nullable=False),
    Column("moq", Integer, nullable=False),
    Column("max_qty", Integer, nullable=False),
    Column("price_cents", BigInteger, nullable=False),
    Column("compare_at_price_cents", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("thc_basis_points", Integer),
    Column("cbd_basis_points", Integer),
    Column("coa_media_id", Uuid),
    Column("is_active", Boolean, nullable=False),
    Column("is_featured", Boolean, nullable=False),
    Column("search_words", Text, nullable=False),
    *(Column(mark, Text, nullable=False, server_default=text("''")) for mark in MARKS),
    Column("gallery_flow", Uuid),
    instant("active_changed_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    instant("deleted_at", nullable=True),
    PrimaryKeyConstraint("id", name="products_pk"),
    CheckConstraint("deleted_at IS NULL OR NOT is_active", name="products_deleted_at_check"),
    CheckConstraint(f"category IN ({_words(Category)})", name="products_category_check"),
    CheckConstraint(f"classification IN ({_words(Classification)})", name="products_classification_check"),
    CheckConstraint(f"unit IN ({_words(Unit)})", name="products_unit_check"),
    CheckConstraint(f"feelings <@ ARRAY[{_words(Feeling)}]", name="products_feelings_check"),
    CheckConstraint(f"flavors <@ ARRAY[{_words(Flavor)}]", name="products_flavors_check"),
    CheckConstraint(f"usages <@ ARRAY[{_words(Usage)}]", name="products_usages_check"),
    CheckConstraint("moq >= 1 AND (max_qty = 0 OR max_qty >= moq)", name="products_moq_check"),
    CheckConstraint("price_cents >= 0 AND compare_at_price_cents >= 0", name="products_price_check"),
    CheckConstraint("thc_basis_points BETWEEN 0 AND 10000", name="products_thc_check"),
    CheckConstraint("cbd_basis_points BETWEEN 0 AND 10000", name="products_cbd_check"),
)
Index(
    "products_store_id_sku_key",
    products.c.store_id,
    products.c.sku,
    unique=True,
    postgresql_where=text("deleted_at IS NULL"),
)
Index(
    "products_listed_idx",
    products.c.created_at.desc(),
    products.c.id.desc(),
    postgresql_where=text("is_active"),
)
Index(
    "products_listed_category_idx",
    products.c.category,
    products.c.created_at.desc(),
    products.c.id.desc(),
    postgresql_where=text("is_active"),
)
Index("products_store_id_created_at_idx", products.c.store_id, products.c.created_at.desc(), products.c.id.desc())
Index("products_words_idx", func.to_tsvector(SIMPLE, products.c.search_words), postgresql_using="gin")
Index(
    "products_trigrams_idx",
    products.c.search_words,
    postgresql_using="gin",
    postgresql_ops={"search_words": "gin_trgm_ops"},
)

# One row per product: every unit that ever came in is available, reserved or consumed.
inventory_items = Table(
    "inventory_items",
    metadata,
    Column("product_id", Uuid, nullable=False),
    Column("available_qty", BigInteger, nullable=False),
    Column("reserved_qty", BigInteger, nullable=False),
    Column("consumed_qty", BigInteger, nullable=False),
    Column("received_qty", BigInteger, nullable=False),
    Column("low_stock_threshold", Integer, nullable=False),
    instant("updated_at"),
    PrimaryKeyConstraint("product_id", name="inventory_items_pk"),
    ForeignKeyConstraint(["product_id"], ["products.id"], name="inventory_items_product_id_fk"),
    CheckConstraint("available_qty >= 0", name="inventory_items_available_qty_check"),
    CheckConstraint("reserved_qty >= 0", name="inventory_items_reserved_qty_check"),
    CheckConstraint("consumed_qty >= 0", name="inventory_items_consumed_qty_check"),
    CheckConstraint("low_stock_threshold >= 0", name="inventory_items_low_stock_threshold_check"),
    CheckConstraint(
        "available_qty + reserved_qty + consumed_qty = received_qty", name="inventory_items_received_qty_check"
    ),
)

# Append-only: what came in and was taken out, by whom and why. A product's quantities add up to what it received; what
# orders hold and consumed of that are its reservations (docs/decisions/0017).
stock_movements = Table(
    "stock_movements",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("available_after", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_user_id", Uuid),
    Column("request_id", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="stock_movements_pk"),
    ForeignKeyConstraint(["product_id"], ["products.id"], name="stock_movements_product_id_fk"),
    CheckConstraint(f"kind IN ({_words(MovementKind)})", name="stock_movements_kind_check"),
    CheckConstraint(f"cause IN ({_words(Cause)})", name="stock_movements_cause_check"),
    CheckConstraint("quantity <> 0 OR kind = 'counted'", name="stock_movements_quantity_check"),
    CheckConstraint("available_after >= 0", name="stock_movements_available_after_check"),
)
Index(
    "stock_movements_product_id_created_at_idx",
    stock_movements.c.product_id,
    stock_movements.c.created_at.desc(),
    stock_movements.c.id.desc(),
)

# Tiers of a product; each begins at a quantity of its own.
volume_discounts = Table(
    "volume_discounts",
    metadata,
    Column("product_id", Uuid, nullable=False),
    Column("min_qty", Integer, nullable=False),
    Column("discount_basis_points", Integer, nullable=False),
    PrimaryKeyConstraint("product_id", "min_qty", name="volume_discounts_pk"),
    ForeignKeyConstraint(["product_id"], ["products.id"], name="volume_discounts_product_id_fk"),
    CheckConstraint("min_qty >= 1", name="volume_discounts_min_qty_check"),
    CheckConstraint("discount_basis_points BETWEEN 0 AND 10000", name="volume_discounts_discount_check"),
)

# The gallery in its order. The files are media's; each is attached there to the product.
product_media = Table(
    "product_media",
    metadata,
    Column("product_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("media_id", Uuid, nullable=False),
    Column("gcs_key", Text, nullable=False),
    PrimaryKeyConstraint("product_id", "position", name="product_media_pk"),
    UniqueConstraint("product_id", "media_id", name="product_media_product_id_media_id_key"),
    ForeignKeyConstraint(["product_id"], ["products.id"], name="product_media_product_id_fk"),
)

# Codes of a vendor: fixed cents off that vendor's part of a cart.
promos = Table(
    "promos",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="promos_pk"),
    UniqueConstraint("store_id", "code", name="promos_store_id_code_key"),
    CheckConstraint("amount_cents > 0", name="promos_amount_cents_check"),
)
Index("promos_store_id_created_at_idx", promos.c.store_id, promos.c.created_at.desc(), promos.c.id.desc())

# One row per order line, ever, refused ones included, so that a repeated Reserve gets the answer it got. A reservation
# without `expires_at` is backed by an order. The units of a product's reserved and consumed lines are what its
# inventory row says.
reservations = Table(
    "reservations",
    metadata,
    Column("line_id", Uuid, nullable=False),
    Column("group_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("expires_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    PrimaryKeyConstraint("line_id", name="reservations_pk"),
    CheckConstraint("quantity > 0", name="reservations_quantity_check"),
    CheckConstraint(f"state IN ({_words(ReservationState)})", name="reservations_state_check"),
    CheckConstraint(
        f"CASE state WHEN 'refused' THEN reason IN ({_words(Refusal)}) ELSE reason = '' END",
        name="reservations_reason_check",
    ),
)
Index("reservations_group_id_idx", reservations.c.group_id)
Index("reservations_order_id_idx", reservations.c.order_id)
Index(
    "reservations_expires_at_idx",
    reservations.c.expires_at,
    postgresql_where=text("state = 'reserved' AND expires_at IS NOT NULL"),
)
Index(
    "reservations_product_id_idx",
    reservations.c.product_id,
    postgresql_where=text("state IN ('reserved', 'consumed')"),
)

# What identity says about stores: a projection of its events, the highest version of each store. `…_since` is when a fact
# became what it is, as far as identity has announced it.
store_gates = Table(
    "store_gates",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kyc_status", Text, nullable=False),
    Column("subscription_active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    instant("type_since", nullable=True),
    instant("state_since", nullable=True),
    instant("kyc_status_since", nullable=True),
    instant("subscription_active_since", nullable=True),
    Column("logo_media_id", Uuid),
    PrimaryKeyConstraint("store_id", name="store_gates_pk"),
)
Index(
    "store_gates_visible_idx",
    store_gates.c.state,
    store_gates.c.store_id,
    postgresql_where=text("type = 'vendor' AND kyc_status = 'verified' AND subscription_active"),
)
