"""Fulfillment's tables. Each names its invariant; only fulfillment writes them."""

from __future__ import annotations

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
    Uuid,
    text,
)

from meshkit.db.tables import instant, platform_metadata

metadata = platform_metadata()

# Delivery agents, as identity announces them.
agents = Table(
    "agents",
    metadata,
    Column("user_id", Uuid, nullable=False),
    Column("is_active", Boolean, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("user_id", name="agents_pk"),
)

# What an agent needs to know about an order that can be dispatched; follows commerce's and finance's events.
deliveries = Table(
    "deliveries",
    metadata,
    Column("order_id", Uuid, nullable=False),
    Column("order_number", BigInteger, nullable=False),
    Column("order_version", BigInteger, nullable=False),
    Column("order_status", Text, nullable=False),
    Column("hold_reason", Text, nullable=False),
    Column("shipping_status", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("total_items", Integer, nullable=False),
    Column("buyer_store_id", Uuid, nullable=False),
    Column("buyer_store_name", Text, nullable=False),
    Column("vendor_store_id", Uuid, nullable=False),
    Column("vendor_store_name", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("order_id", name="deliveries_pk"),
)
Index("deliveries_created_at_idx", deliveries.c.created_at.desc(), deliveries.c.order_id.desc())

# Who delivers what. One active assignment per order; one that was taken away has `unassigned_at`.
assignments = Table(
    "order_assignments",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("agent_user_id", Uuid, nullable=False),
    Column("assigned_by_user_id", Uuid),
    Column("reason", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    instant("assigned_at"),
    instant("unassigned_at", nullable=True),
    instant("pickup_time", nullable=True),
    instant("delivery_time", nullable=True),
    instant("cash_pickup_time", nullable=True),
    PrimaryKeyConstraint("id", name="order_assignments_pk"),
    ForeignKeyConstraint(["order_id"], ["deliveries.order_id"], name="order_assignments_order_id_fk"),
    CheckConstraint("reason IN ('auto_random', 'admin_override')", name="order_assignments_reason_check"),
)
Index("order_assignments_active_key", assignments.c.order_id, unique=True, postgresql_where=text("active"))
Index(
    "order_assignments_agent_idx",
    assignments.c.agent_user_id,
    assignments.c.assigned_at.desc(),
    assignments.c.order_id.desc(),
    postgresql_where=text("active"),
)
