"""The tables of payments. Each names its invariant; only finance writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from meshkit.db.tables import instant
from services.finance.schema.base import metadata

# One per subject: what is paid for, an order today. A kind comes with the code that follows it. `subject_version` is the
# newest version of the subject that finance has heard of.
payment_intents = Table(
    "payment_intents",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("subject_number", BigInteger, nullable=False),
    Column("subject_version", BigInteger, nullable=False),
    Column("subject_status", Text, nullable=False),
    Column("buyer_store_id", Uuid, nullable=False),
    Column("vendor_store_id", Uuid, nullable=False),
    Column("vendor_store_name", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("fee_basis_points", Integer, nullable=False),
    Column("fee_cents", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("failure_reason", Text, nullable=False),
    instant("delivered_at", nullable=True),
    instant("vendor_paid_at", nullable=True),
    instant("payout_returned_at", nullable=True),
    Column("payout_id", Uuid),
    Column("refunded_cents", BigInteger, nullable=False, server_default=text("0")),
    Column("refunded_fee_cents", BigInteger, nullable=False, server_default=text("0")),
    # What the buyer need not pay; `refunded_cents` includes it.
    Column("credited_cents", BigInteger, nullable=False, server_default=text("0")),
    # What refunds took off what we owe the vendor. What they take after its payout, the vendor owes us.
    Column("payable_refunded_cents", BigInteger, nullable=False, server_default=text("0")),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="payment_intents_pk"),
    CheckConstraint("credited_cents BETWEEN 0 AND refunded_cents", name="payment_intents_credited_cents_check"),
    CheckConstraint("refunded_cents BETWEEN 0 AND amount_cents", name="payment_intents_refunded_cents_check"),
    CheckConstraint(
        "refunded_fee_cents BETWEEN 0 AND least(fee_cents, refunded_cents)",
        name="payment_intents_refunded_fee_cents_check",
    ),
    UniqueConstraint("subject_kind", "subject_id", name="payment_intents_subject_key"),
    CheckConstraint("subject_kind IN ('order')", name="payment_intents_subject_kind_check"),
    CheckConstraint("amount_cents >= 0", name="payment_intents_amount_cents_check"),
    CheckConstraint("fee_cents BETWEEN 0 AND amount_cents", name="payment_intents_fee_cents_check"),
    CheckConstraint("method IN ('cash', 'ach')", name="payment_intents_method_check"),
    CheckConstraint(
        "status IN ('unpaid', 'pending', 'settled', 'paid', 'failed', 'rejected')", name="payment_intents_status_check"
    ),
)
Index(
    "payment_intents_payout_due_idx",
    payment_intents.c.delivered_at,
    payment_intents.c.id,
    postgresql_where=text("status = 'settled' AND delivered_at IS NOT NULL"),
)

Index(
    "payment_intents_vendor_idx",
    payment_intents.c.vendor_store_id,
    payment_intents.c.created_at.desc(),
    payment_intents.c.id.desc(),
)
