"""The tables of orders. Each names its invariant; only commerce writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

from meshkit.db.tables import instant
from services.commerce.orders.domain.order_state import (
    ACTIONABLE,
    HoldReason,
    LineStatus,
    OrderStatus,
    PaymentStatus,
)
from services.commerce.schema.base import (
    attribution,
    attribution_check,
    attribution_index,
    cents,
    metadata,
    one_of,
    texts,
)

# Who delivers an order, as fulfillment announced. Invariant: the highest version seen. There is no foreign key, because an
# announcement is never refused.
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

# One order per vendor of a checkout. Invariant: total = subtotal - discount + tax + transport fee; every change raises
# the version. `held_…` is what a payment mismatch interrupted. What the buyer said at checkout about all orders stands in the
# cart, which never changes once it is bought; which expired order this one retries, in order_retries.
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
    Column("status", Text, nullable=False),
    Column("hold_reason", Text),
    Column("held_status", Text),
    Column("held_reason", Text),
    *texts("fulfillment_status", "shipping_status", "payment_status", "payment_method"),
    Column("payment_intent_id", Uuid, nullable=False),
    Column("promo", Text, nullable=False),
    *cents("promo_cents", "subtotal_cents", "discount_cents", "tax_cents", "transport_fee_cents"),
    *cents("total_cents", "balance_due_cents"),
    Column("cancel_reason", Text),
    Column("version", BigInteger, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    instant("fulfilled_at", nullable=True),
    instant("delivered_at", nullable=True),
    instant("canceled_at", nullable=True),
    instant("closed_at", nullable=True),
    # When the lifetime job reminded the vendor, and when it let the order expire.
    instant("pending_nudged_at", nullable=True),
    instant("expired_at", nullable=True),
    # When the buyer last asked the vendor to decide.
    instant("buyer_nudged_at", nullable=True),
    *attribution(),
    # The vendor's own notes, and the quote's warnings about this vendor's part.
    Column("internal_notes", Text, nullable=False, server_default=text("''")),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    PrimaryKeyConstraint("id", name="vendor_orders_pk"),
    attribution_check("vendor_orders"),
    UniqueConstraint("order_number", name="vendor_orders_order_number_key"),
    UniqueConstraint(
        "checkout_group_id", "vendor_store_id", name="vendor_orders_checkout_group_id_vendor_store_id_key"
    ),
    ForeignKeyConstraint(["cart_id"], ["cart_records.id"], name="vendor_orders_cart_id_fk"),
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
    CheckConstraint(
        "subtotal_cents - discount_cents + tax_cents + transport_fee_cents = total_cents AND discount_cents >= 0"
        " AND transport_fee_cents >= 0 AND total_cents >= 0 AND balance_due_cents >= 0",
        name="vendor_orders_total_cents_check",
    ),
)
attribution_index(vendor_orders)
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
    "vendor_orders_pending_idx",
    vendor_orders.c.created_at,
    vendor_orders.c.id,
    postgresql_where=text("status = 'created_pending'"),
)

# What finance announced of an order's money after it was placed: what went back to the buyer (`credited_cents`, part of it, never
# was paid), when its vendor was paid, when that payout came back. No row: nothing of it. Written under the order's lock.
order_settlements = Table(
    "order_settlements",
    metadata,
    Column("order_id", Uuid, nullable=False),
    Column("refunded_cents", BigInteger, nullable=False, server_default=text("0")),
    Column("credited_cents", BigInteger, nullable=False, server_default=text("0")),
    instant("vendor_paid_at", nullable=True),
    instant("payout_returned_at", nullable=True),
    PrimaryKeyConstraint("order_id", name="order_settlements_pk"),
    ForeignKeyConstraint(["order_id"], ["vendor_orders.id"], name="order_settlements_order_id_fk"),
    CheckConstraint("credited_cents BETWEEN 0 AND refunded_cents", name="order_settlements_credited_cents_check"),
    CheckConstraint(
        "refunded_cents > 0 OR vendor_paid_at IS NOT NULL OR payout_returned_at IS NOT NULL",
        name="order_settlements_something_check",
    ),
)

# Who picked an order up and who delivered it, as fulfillment reported; it did not always say. Written under the order's lock.
order_delivery_steps = Table(
    "order_delivery_steps",
    metadata,
    Column("order_id", Uuid, nullable=False),
    instant("picked_up_at", nullable=True),
    Column("picked_up_by", Uuid),
    Column("delivered_by", Uuid),
    PrimaryKeyConstraint("order_id", name="order_delivery_steps_pk"),
    ForeignKeyConstraint(["order_id"], ["vendor_orders.id"], name="order_delivery_steps_order_id_fk"),
    CheckConstraint("(picked_up_by IS NULL) = (picked_up_at IS NULL)", name="order_delivery_steps_pickup_check"),
    CheckConstraint("num_nonnulls(picked_up_by, delivered_by) > 0", name="order_delivery_steps_something_check"),
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

# Where the retry of an expired order stands, as checkout_attempts has it for carts; the group is that of the new order.
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
    *texts("product_name", "sku", "category", "classification", "strain", "unit"),
    Column("moq", Integer, nullable=False),
    Column("max_qty", Integer, nullable=False),
    Column("qty", Integer, nullable=False),
    *cents("unit_price_cents", "discount_cents", "line_subtotal_cents", "total_cents"),
    Column("applied_min_qty", Integer),
    Column("applied_percent", Text),
    Column("status", Text, nullable=False),
    Column("notes", Text, nullable=False),
    # Set on the lines that the order still had when it expired: those are what a retry buys.
    instant("expired_at", nullable=True),
    *attribution(),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("thumbnail_media_id", Uuid),
    PrimaryKeyConstraint("id", name="order_line_items_pk"),
    attribution_check("order_line_items"),
    UniqueConstraint("order_id", "cart_item_id", name="order_line_items_order_id_cart_item_id_key"),
    ForeignKeyConstraint(["order_id"], ["vendor_orders.id"], name="order_line_items_order_id_fk"),
    CheckConstraint(one_of("status", LineStatus), name="order_line_items_status_check"),
    CheckConstraint("qty > 0", name="order_line_items_qty_check"),
    CheckConstraint(
        "line_subtotal_cents - discount_cents = total_cents AND discount_cents >= 0",
        name="order_line_items_total_cents_check",
    ),
)
attribution_index(order_line_items)
