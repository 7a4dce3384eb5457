"""Commerce's tables. Each names its invariant; only commerce writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db.tables import instant, platform_metadata
from services.commerce.orders.domain.order_state import (
    ACTIONABLE,
    HoldReason,
    LineStatus,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

metadata = platform_metadata()


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the SQL that a column has one of some values, as constraints, partial indexes and their queries say it."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({quoted})"


def _text(*names: str) -> list[Column]:  # type: ignore[type-arg]
    return [Column(name, Text, nullable=False) for name in names]


def _attribution() -> list[Column]:  # type: ignore[type-arg]
    # What earned an order or a line: frozen with it, NULL when nothing did. The id is the ad's in the document.
    return [Column("attribution", JSONB(none_as_null=True)), Column("attributed_ad_id", Uuid)]


def _attribution_check(table: str) -> CheckConstraint:
    return CheckConstraint(
        "(attribution ->> 'ad_id') IS NOT DISTINCT FROM CAST(attributed_ad_id AS TEXT)",
        name=f"{table}_attribution_check",
    )


def _attribution_index(table: Table) -> None:
    Index(
        f"{table.name}_attributed_ad_id_idx",
        table.c.attributed_ad_id,
        postgresql_where=text("attributed_ad_id IS NOT NULL"),
    )


def _cents(*names: str) -> list[Column]:  # type: ignore[type-arg]
    return [Column(name, BigInteger, nullable=False) for name in names]


# What identity last told about each store. Invariant: the highest version seen.
store_gates = Table(
    "store_gates",
    metadata,
    Column("store_id", Uuid, nullable=False),
    *_text("type", "name", "state", "kyc_status"),
    Column("subscription_active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", name="store_gates_pk"),
)

# Who delivers an order, as fulfillment told. Invariant: the highest version seen. Without a foreign key: what fulfillment
# tells is never refused.
order_assignments = Table(
    "order_assignments",
    metadata,
    Column("order_id", Uuid, nullable=False),
    Column("agent_user_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    instant("assigned_at"),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("order_id", name="order_assignments_pk"),
)

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
    *_cents("subtotal_cents", "discounts_cents", "total_cents"),
    Column("attribution_tokens", JSONB, nullable=False),
    # NULL: quoted before versions were; such a quote must be made anew to be bought.
    Column("quote_version", Text),
    Column("promo_warnings", JSONB, nullable=False, server_default=text("'[]'")),
    # As given with a quote, then as checked out; the tip is not part of any order's total.
    Column("payment_method", Text),
    Column("shipping_address", JSONB),
    Column("billing_address", JSONB),
    Column("shipping_line", JSONB),
    Column("tip_cents", BigInteger),
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
    *_text("vendor_store_name", "sku", "title", "category", "classification", "strain", "unit"),
    Column("quantity", Integer, nullable=False),
    Column("moq", Integer, nullable=False),
    Column("max_qty", Integer, nullable=False),
    *_cents("unit_price_cents", "effective_unit_price_cents"),
    *_cents("line_subtotal_cents", "line_discounts_cents", "line_total_cents"),
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

# One row per vendor of a cart. `promo_cents` is the face value, applied again when lines fall out.
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
    *_cents("promo_cents", "subtotal_cents", "line_discounts_cents", "promo_discount_cents"),
    *_cents("discounts_cents", "total_cents"),
    PrimaryKeyConstraint("cart_id", "vendor_store_id", name="cart_vendor_groups_pk"),
    ForeignKeyConstraint(["cart_id"], ["cart_records.id"], name="cart_vendor_groups_cart_id_fk"),
    CheckConstraint("status IN ('ok', 'invalid')", name="cart_vendor_groups_status_check"),
)

# Where the checkout of a cart stands: the group id is fixed before stock is reserved, the answer when orders exist.
checkout_attempts = Table(
    "checkout_attempts",
    metadata,
    Column("cart_id", Uuid, nullable=False),
    Column("buyer_store_id", Uuid, nullable=False),
    Column("checkout_group_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    instant("started_at"),
    instant("converted_at", nullable=True),
    Column("response", LargeBinary),
    PrimaryKeyConstraint("cart_id", name="checkout_attempts_pk"),
    UniqueConstraint("checkout_group_id", name="checkout_attempts_checkout_group_id_key"),
    ForeignKeyConstraint(["cart_id"], ["cart_records.id"], name="checkout_attempts_cart_id_fk"),
    CheckConstraint("state IN ('reserving', 'converted', 'failed')", name="checkout_attempts_state_check"),
    CheckConstraint("(state = 'converted') = (response IS NOT NULL)", name="checkout_attempts_response_check"),
)

# One order per vendor of a checkout. Invariant: total = subtotal - discount + tax + transport fee; every change raises
# the version. `held_…` is what a payment mismatch interrupted.
vendor_orders = Table(
    "vendor_orders",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("order_number", BigInteger, Identity(always=True), nullable=False),
    Column("cart_id", Uuid, nullable=False),
    Column("checkout_group_id", Uuid, nullable=False),
    Column("buyer_store_id", Uuid, nullable=False),
    Column("buyer_store_name", Text, nullable=False),
    Column("vendor_store_id", Uuid, nullable=False),
    Column("vendor_store_name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("shipping_address", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("hold_reason", Text),
    Column("held_status", Text),
    Column("held_reason", Text),
    *_text("fulfillment_status", "shipping_status", "payment_status", "payment_method"),
    Column("payment_intent_id", Uuid, nullable=False),
    Column("promo", Text, nullable=False),
    *_cents("promo_cents", "subtotal_cents", "discount_cents", "tax_cents", "transport_fee_cents"),
    *_cents("total_cents", "balance_due_cents"),
    Column("cancel_reason", Text),
    Column("version", BigInteger, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    instant("fulfilled_at", nullable=True),
    instant("delivered_at", nullable=True),
    instant("canceled_at", nullable=True),
    instant("closed_at", nullable=True),
    # What the lifetime job did: reminded the vendor, gave the order up.
    instant("pending_nudged_at", nullable=True),
    instant("expired_at", nullable=True),
    # When the buyer last asked the vendor to decide.
    instant("buyer_nudged_at", nullable=True),
    # What finance told of refunds, and of payouts after the order was closed.
    Column("refund_status", Text, nullable=False, server_default=text("'none'")),
    Column("refunded_cents", BigInteger, nullable=False, server_default=text("0")),
    # What the buyer need not pay, as finance told; part of `refunded_cents`.
    Column("credited_cents", BigInteger, nullable=False, server_default=text("0")),
    instant("vendor_paid_at", nullable=True),
    instant("payout_returned_at", nullable=True),
    # Who took the steps of the delivery, as fulfillment said, and when it was picked up. Not known of older orders.
    instant("picked_up_at", nullable=True),
    Column("picked_up_by", Uuid),
    Column("delivered_by", Uuid),
    # The expired order in whose place this one stands.
    Column("retry_of", Uuid),
    # The cart's tokens as they came: who earned the order is decided from them later.
    Column("attribution_tokens", JSONB, nullable=False, server_default=text("'[]'")),
    *_attribution(),
    # The buyer's words at checkout, the vendor's to itself, what the quote said about the vendor's part, and the whole
    # checkout's shipping.
    Column("notes", Text, nullable=False, server_default=text("''")),
    Column("internal_notes", Text, nullable=False, server_default=text("''")),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("shipping_line", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("id", name="vendor_orders_pk"),
    _attribution_check("vendor_orders"),
    UniqueConstraint("order_number", name="vendor_orders_order_number_key"),
    UniqueConstraint(
        "checkout_group_id", "vendor_store_id", name="vendor_orders_checkout_group_id_vendor_store_id_key"
    ),
    ForeignKeyConstraint(["retry_of"], ["vendor_orders.id"], name="vendor_orders_retry_of_fk"),
    CheckConstraint("buyer_store_id <> vendor_store_id", name="vendor_orders_parties_check"),
    CheckConstraint(one_of("status", OrderStatus), name="vendor_orders_status_check"),
    CheckConstraint(one_of("hold_reason", HoldReason), name="vendor_orders_hold_reason_check"),
    CheckConstraint("(status = 'hold') = (hold_reason IS NOT NULL)", name="vendor_orders_hold_check"),
    CheckConstraint("(status = 'expired') = (expired_at IS NOT NULL)", name="vendor_orders_expired_check"),
    CheckConstraint(
        "(hold_reason IS NOT DISTINCT FROM 'payment_mismatch') = (held_status IS NOT NULL)",
        name="vendor_orders_held_status_check",
    ),
    CheckConstraint(
        "fulfillment_status IN ('pending', 'partial', 'fulfilled')", name="vendor_orders_fulfillment_check"
    ),
    CheckConstraint(
        "shipping_status IN ('pending', 'dispatched', 'in_transit', 'delivered')", name="vendor_orders_shipping_check"
    ),
    CheckConstraint(one_of("payment_status", PaymentStatus), name="vendor_orders_payment_status_check"),
    CheckConstraint("payment_method IN ('cash', 'ach')", name="vendor_orders_payment_method_check"),
    CheckConstraint(one_of("refund_status", RefundStatus), name="vendor_orders_refund_status_check"),
    CheckConstraint(
        "refunded_cents BETWEEN 0 AND total_cents AND (refund_status = 'none') = (refunded_cents = 0)"
        " AND (refund_status = 'full') = (refunded_cents > 0 AND refunded_cents = total_cents)",
        name="vendor_orders_refunded_cents_check",
    ),
    CheckConstraint(
        "subtotal_cents - discount_cents + tax_cents + transport_fee_cents = total_cents AND discount_cents >= 0"
        " AND transport_fee_cents >= 0 AND total_cents >= 0 AND balance_due_cents >= 0",
        name="vendor_orders_total_cents_check",
    ),
)
_attribution_index(vendor_orders)
_newest = (vendor_orders.c.created_at.desc(), vendor_orders.c.id.desc())
Index("vendor_orders_buyer_idx", vendor_orders.c.buyer_store_id, *_newest)
Index("vendor_orders_vendor_idx", vendor_orders.c.vendor_store_id, *_newest)
Index("vendor_orders_vendor_status_idx", vendor_orders.c.vendor_store_id, vendor_orders.c.status, *_newest)
Index(
    "vendor_orders_actionable_idx",
    vendor_orders.c.vendor_store_id,
    *_newest,
    postgresql_where=text(one_of("status", ACTIONABLE)),
)
# The orders of one buyer at one vendor.
Index("vendor_orders_customer_idx", vendor_orders.c.vendor_store_id, vendor_orders.c.buyer_store_id, *_newest)
Index("vendor_orders_cart_id_idx", vendor_orders.c.cart_id)
Index(
    "vendor_orders_retry_of_key",
    vendor_orders.c.retry_of,
    unique=True,
    postgresql_where=text("retry_of IS NOT NULL"),
)
Index(
    "vendor_orders_pending_idx",
    vendor_orders.c.created_at,
    vendor_orders.c.id,
    postgresql_where=text("status = 'created_pending'"),
)

# How long a vendor lets orders wait, where it differs from the settings.
vendor_order_policies = Table(
    "vendor_order_policies",
    metadata,
    Column("vendor_store_id", Uuid, nullable=False),
    Column("nudge_after_days", Integer, nullable=False),
    Column("expire_after_days", Integer, nullable=False),
    instant("updated_at"),
    PrimaryKeyConstraint("vendor_store_id", name="vendor_order_policies_pk"),
    CheckConstraint(
        "nudge_after_days >= 1 AND nudge_after_days < expire_after_days AND expire_after_days <= 30",
        name="vendor_order_policies_days_check",
    ),
)

# Where the retry of an expired order stands, as checkout_attempts says it of carts.
order_retries = Table(
    "order_retries",
    metadata,
    Column("order_id", Uuid, nullable=False),
    Column("checkout_group_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    instant("started_at"),
    Column("response", LargeBinary),
    PrimaryKeyConstraint("order_id", name="order_retries_pk"),
    UniqueConstraint("checkout_group_id", name="order_retries_checkout_group_id_key"),
    ForeignKeyConstraint(["order_id"], ["vendor_orders.id"], name="order_retries_order_id_fk"),
    CheckConstraint("state IN ('reserving', 'converted', 'failed')", name="order_retries_state_check"),
    CheckConstraint("(state = 'converted') = (response IS NOT NULL)", name="order_retries_response_check"),
)

# Frozen at checkout: a later change of the product changes no line. A rejected line costs nothing, whatever it shows.
order_line_items = Table(
    "order_line_items",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("cart_item_id", Uuid, nullable=False),
    Column("product_id", Uuid, nullable=False),
    *_text("product_name", "sku", "category", "classification", "strain", "unit"),
    Column("moq", Integer, nullable=False),
    Column("max_qty", Integer, nullable=False),
    Column("qty", Integer, nullable=False),
    *_cents("unit_price_cents", "discount_cents", "line_subtotal_cents", "total_cents"),
    Column("applied_min_qty", Integer),
    Column("applied_percent", Text),
    Column("status", Text, nullable=False),
    Column("notes", Text, nullable=False),
    # Set on the lines that the order still had when it expired: those are what a retry buys.
    instant("expired_at", nullable=True),
    *_attribution(),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("thumbnail_media_id", Uuid),
    PrimaryKeyConstraint("id", name="order_line_items_pk"),
    _attribution_check("order_line_items"),
    UniqueConstraint("order_id", "cart_item_id", name="order_line_items_order_id_cart_item_id_key"),
    ForeignKeyConstraint(["order_id"], ["vendor_orders.id"], name="order_line_items_order_id_fk"),
    CheckConstraint(one_of("status", LineStatus), name="order_line_items_status_check"),
    CheckConstraint("qty > 0", name="order_line_items_qty_check"),
    CheckConstraint(
        "line_subtotal_cents - discount_cents = total_cents AND discount_cents >= 0",
        name="order_line_items_total_cents_check",
    ),
)
_attribution_index(order_line_items)
