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
    # Delivery codes that the order has had, and wrong ones entered since the last reset. The code itself is nowhere.
    Column("code_issue", Integer, nullable=False, server_default=text("1")),
    Column("code_failures", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("order_id", name="deliveries_pk"),
)
Index("deliveries_created_at_idx", deliveries.c.created_at.desc(), deliveries.c.order_id.desc())

# Who delivers what, and why. One active assignment per order; one that was taken away has `unassigned_at`.
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
    # When its agent last began to pick it up: until that has an answer the order is not given to another agent.
    instant("pickup_begun_at", nullable=True),
    instant("pickup_time", nullable=True),
    instant("delivery_time", nullable=True),
    instant("cash_pickup_time", nullable=True),
    # Why this agent, for people.
    Column("note", Text, nullable=False, server_default=text("''")),
    # What proves the delivery, set when it is accepted, just before the delivery; empty when nothing does.
    Column("proof_kind", Text, nullable=False, server_default=text("''")),
    Column("proof_media_id", Uuid),
    PrimaryKeyConstraint("id", name="order_assignments_pk"),
    ForeignKeyConstraint(["order_id"], ["deliveries.order_id"], name="order_assignments_order_id_fk"),
    CheckConstraint("reason IN ('auto_random', 'admin_override', 'step_taken')", name="order_assignments_reason_check"),
    CheckConstraint("proof_kind IN ('', 'photo', 'signature', 'code')", name="order_assignments_proof_kind_check"),
    CheckConstraint(
        "(proof_media_id IS NOT NULL) = (proof_kind IN ('photo', 'signature'))",
        name="order_assignments_proof_media_id_check",
    ),
)
Index("order_assignments_active_key", assignments.c.order_id, unique=True, postgresql_where=text("active"))
Index(
    "order_assignments_agent_idx",
    assignments.c.agent_user_id,
    assignments.c.assigned_at.desc(),
    assignments.c.order_id.desc(),
    postgresql_where=text("active"),
)

# Files an agent may prove a delivery with: announced in media for this order, by this agent. Only one that media refuses at
# once is taken out again.
proof_uploads = Table(
    "proof_uploads",
    metadata,
    Column("media_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("agent_user_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("media_id", name="proof_uploads_pk"),
    ForeignKeyConstraint(["order_id"], ["deliveries.order_id"], name="proof_uploads_order_id_fk"),
    CheckConstraint("kind IN ('photo', 'signature')", name="proof_uploads_kind_check"),
)
