"""Finance's tables. Each names its invariant; only finance writes them."""

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

from meshkit.db.tables import instant, platform_metadata

metadata = platform_metadata()

# One per order. `order_version` is the newest version of the order that finance has heard of.
payment_intents = Table(
    "payment_intents",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("order_number", BigInteger, nullable=False),
    Column("order_version", BigInteger, nullable=False),
    Column("order_status", Text, nullable=False),
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
    instant("cash_collected_at", nullable=True),
    instant("vendor_paid_at", nullable=True),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="payment_intents_pk"),
    UniqueConstraint("order_id", name="payment_intents_order_id_key"),
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

# An account exists once per kind, owner and currency; the platform's own have the nil UUID as owner. No balance
# column: balances are sums of postings, so no row is hot.
accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="accounts_pk"),
    UniqueConstraint("kind", "owner_id", "currency", name="accounts_kind_owner_id_currency_key"),
    CheckConstraint(
        "kind IN ('cash_in_transit', 'cash_clearing', 'vendor_payable', 'platform_fee')", name="accounts_kind_check"
    ),
)

# Append-only. One entry per order and type, so no cash is collected and no vendor paid twice.
ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("buyer_store_id", Uuid, nullable=False),
    Column("vendor_store_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("reference", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="ledger_entries_pk"),
    UniqueConstraint("order_id", "type", name="ledger_entries_order_id_type_key"),
    CheckConstraint("type IN ('cash_collected', 'vendor_payout')", name="ledger_entries_type_check"),
)

# Append-only. Debits positive, credits negative; an entry's postings sum to zero per currency (deferred trigger).
postings = Table(
    "postings",
    metadata,
    Column("entry_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    PrimaryKeyConstraint("entry_id", "position", name="postings_pk"),
    ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name="postings_entry_id_fk"),
    ForeignKeyConstraint(["account_id"], ["accounts.id"], name="postings_account_id_fk"),
    CheckConstraint("amount_cents <> 0", name="postings_amount_cents_check"),
)
Index("postings_account_id_idx", postings.c.account_id)
