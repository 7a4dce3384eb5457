"""The tables of payouts. Each names its invariant; only finance writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
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
from services.finance.schema.base import metadata

# A transfer to a vendor for any number of orders. Its sums are those of its items; it leaves each status once.
payouts = Table(
    "payouts",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("vendor_store_id", Uuid, nullable=False),
    Column("vendor_store_name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("gross_cents", BigInteger, nullable=False),
    Column("netted_cents", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("requested_by_user_id", Uuid, nullable=False),
    instant("created_at"),
    instant("paid_at", nullable=True),
    PrimaryKeyConstraint("id", name="payouts_pk"),
    CheckConstraint("netted_cents BETWEEN 0 AND gross_cents", name="payouts_netted_cents_check"),
    CheckConstraint("status IN ('awaiting_approval', 'paid', 'rejected', 'returned')", name="payouts_status_check"),
)
Index("payouts_created_at_idx", payouts.c.created_at.desc(), payouts.c.id.desc())
Index("payouts_paid_at_idx", payouts.c.paid_at)
Index("payouts_status_idx", payouts.c.status, payouts.c.created_at.desc(), payouts.c.id.desc())

# An intent is in at most one payout that was not given up.
payout_items = Table(
    "payout_items",
    metadata,
    Column("payout_id", Uuid, nullable=False),
    Column("intent_id", Uuid, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    PrimaryKeyConstraint("payout_id", "intent_id", name="payout_items_pk"),
    ForeignKeyConstraint(["payout_id"], ["payouts.id"], name="payout_items_payout_id_fk"),
    ForeignKeyConstraint(["intent_id"], ["payment_intents.id"], name="payout_items_intent_id_fk"),
    CheckConstraint("amount_cents >= 0", name="payout_items_amount_cents_check"),
)
Index("payout_items_active_key", payout_items.c.intent_id, unique=True, postgresql_where=text("active"))

# Append-only: who asked for, approved, rejected or took back a payout. Each once; whoever approves is not who asked.
payout_decisions = Table(
    "payout_decisions",
    metadata,
    Column("payout_id", Uuid, nullable=False),
    Column("decision", Text, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    instant("decided_at"),
    PrimaryKeyConstraint("payout_id", "decision", name="payout_decisions_pk"),
    ForeignKeyConstraint(["payout_id"], ["payouts.id"], name="payout_decisions_payout_id_fk"),
    CheckConstraint("decision IN ('request', 'approve', 'reject', 'return')", name="payout_decisions_decision_check"),
)

# Intents that an administrator holds back from payouts: why, since when, and who said so last (unknown of some from before
# this table). Releasing one deletes its row; the audit log keeps both. Written under the lock of the intent.
payout_holds = Table(
    "payout_holds",
    metadata,
    Column("intent_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    instant("held_at"),
    Column("held_by_user_id", Uuid),
    PrimaryKeyConstraint("intent_id", name="payout_holds_pk"),
    ForeignKeyConstraint(["intent_id"], ["payment_intents.id"], name="payout_holds_intent_id_fk"),
    CheckConstraint("reason <> ''", name="payout_holds_reason_check"),
)

# Append-only. What a comparison of our payouts with a bank's file found; one per file and days.
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("file_hash", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("date_from", Date, nullable=False),
    Column("date_to", Date, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("differences", JSONB, nullable=False),
    Column("created_by_user_id", Uuid, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="reconciliations_pk"),
    UniqueConstraint("file_hash", name="reconciliations_file_hash_key"),
)
