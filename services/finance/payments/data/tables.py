"""Finance's tables. Each names its invariant; only finance writes them."""

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
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

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
    instant("payout_returned_at", nullable=True),
    Column("payout_id", Uuid),
    Column("payout_hold_reason", Text, nullable=False, server_default=text("''")),
    # Who took the cash, the hand-in it is in, and the open mismatch that keeps the order from its payout.
    Column("collected_by_user_id", Uuid),
    Column("hand_in_id", Uuid),
    instant("cash_counted_at", nullable=True),
    Column("cash_mismatch_id", Uuid),
    Column("refunded_cents", BigInteger, nullable=False, server_default=text("0")),
    Column("refunded_fee_cents", BigInteger, nullable=False, server_default=text("0")),
    # What the buyer need not pay, of which `refunded_cents` is made up as well.
    Column("credited_cents", BigInteger, nullable=False, server_default=text("0")),
    # What refunds took from what we owed the vendor; what they took after its payout it owes us.
    Column("payable_refunded_cents", BigInteger, nullable=False, server_default=text("0")),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="payment_intents_pk"),
    CheckConstraint("credited_cents BETWEEN 0 AND refunded_cents", name="payment_intents_credited_cents_check"),
    CheckConstraint("refunded_cents BETWEEN 0 AND amount_cents", name="payment_intents_refunded_cents_check"),
    CheckConstraint(
        "refunded_fee_cents BETWEEN 0 AND least(fee_cents, refunded_cents)",
        name="payment_intents_refunded_fee_cents_check",
    ),
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

Index(
    "payment_intents_vendor_idx",
    payment_intents.c.vendor_store_id,
    payment_intents.c.created_at.desc(),
    payment_intents.c.id.desc(),
)

Index(
    "payment_intents_held_cash_idx",
    payment_intents.c.collected_by_user_id,
    payment_intents.c.cash_collected_at,
    payment_intents.c.id,
    postgresql_where=text("collected_by_user_id IS NOT NULL AND hand_in_id IS NULL"),
)

# A transfer to a vendor for any number of orders. Its sums are those of its items; it leaves each state once.
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

# An order is in at most one payout that was not given up.
payout_items = Table(
    "payout_items",
    metadata,
    Column("payout_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("order_number", BigInteger, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    PrimaryKeyConstraint("payout_id", "order_id", name="payout_items_pk"),
    ForeignKeyConstraint(["payout_id"], ["payouts.id"], name="payout_items_payout_id_fk"),
    CheckConstraint("amount_cents >= 0", name="payout_items_amount_cents_check"),
)
Index("payout_items_active_key", payout_items.c.order_id, unique=True, postgresql_where=text("active"))

# Append-only: who asked for, approved, rejected or took back a payout. Each once; who approves is not who asked.
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
        "kind IN ('cash_in_transit', 'cash_clearing', 'vendor_payable', 'platform_fee', 'refund_payable',"
        " 'cash_difference', 'vendor_receivable')",
        name="accounts_kind_check",
    ),
)
Index("accounts_owner_id_idx", accounts.c.owner_id)

# Append-only. One entry per key, and one collection per order, so no cash is taken and no vendor paid twice. What
# caused an entry is its order unless `cause_id` says otherwise. An entry is taken back by at most one other.
ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text),
    Column("order_id", Uuid),
    Column("buyer_store_id", Uuid),
    Column("vendor_store_id", Uuid),
    Column("cause_type", Text, nullable=False, server_default=text("'order'")),
    Column("cause_id", Uuid),
    Column("reverses_id", Uuid),
    Column("effective_on", Date, nullable=False, server_default=text("CURRENT_DATE")),
    Column("fingerprint", Text),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("reference", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="ledger_entries_pk"),
    UniqueConstraint("key", name="ledger_entries_key_key"),
    UniqueConstraint("reverses_id", name="ledger_entries_reverses_id_key"),
    ForeignKeyConstraint(["reverses_id"], ["ledger_entries.id"], name="ledger_entries_reverses_id_fk"),
    CheckConstraint(
        "type IN ('cash_collected', 'vendor_payout', 'payout_returned', 'refund', 'cash_handed_in', 'cash_difference',"
        " 'adjustment', 'transfer', 'reversal', 'payout_netted', 'credit')",
        name="ledger_entries_type_check",
    ),
    CheckConstraint("order_id IS NOT NULL OR cause_id IS NOT NULL", name="ledger_entries_cause_check"),
)
Index(
    "ledger_entries_order_id_type_key",
    ledger_entries.c.order_id,
    ledger_entries.c.type,
    unique=True,
    postgresql_where=text("type = 'cash_collected'"),
)
Index("ledger_entries_order_id_idx", ledger_entries.c.order_id, ledger_entries.c.id)
Index("ledger_entries_cause_id_idx", ledger_entries.c.cause_id, ledger_entries.c.id)

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
Index(
    "postings_account_id_entry_id_idx", postings.c.account_id, postings.c.entry_id, postgresql_include=["amount_cents"]
)

# Append-only. What an account's postings sum to up to an entry, so that no statement has to begin at the beginning.
account_snapshots = Table(
    "account_snapshots",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("upto_entry_id", Uuid, nullable=False),
    Column("balance_cents", Numeric, nullable=False),
    instant("taken_at"),
    PrimaryKeyConstraint("account_id", "upto_entry_id", name="account_snapshots_pk"),
    ForeignKeyConstraint(["account_id"], ["accounts.id"], name="account_snapshots_account_id_fk"),
)

# Append-only. Days up to `closed_through` take no entries any more (trigger on ledger_entries).
period_closings = Table(
    "period_closings",
    metadata,
    Column("closed_through", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("closed_by_user_id", Uuid, nullable=False),
    instant("closed_at"),
    PrimaryKeyConstraint("closed_through", name="period_closings_pk"),
)

# Append-only. What the daily proof found.
ledger_proofs = Table(
    "ledger_proofs",
    metadata,
    Column("id", Uuid, nullable=False),
    instant("proved_at"),
    Column("problems", JSONB, nullable=False),
    PrimaryKeyConstraint("id", name="ledger_proofs_pk"),
)
Index("ledger_proofs_proved_at_idx", ledger_proofs.c.proved_at.desc())

# What is kept back of an account. A hold leaves `pending` once, and has an entry exactly when it is posted.
holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("entry_id", Uuid),
    instant("expires_at"),
    instant("created_at"),
    instant("changed_at"),
    PrimaryKeyConstraint("id", name="holds_pk"),
    UniqueConstraint("key", name="holds_key_key"),
    ForeignKeyConstraint(["account_id"], ["accounts.id"], name="holds_account_id_fk"),
    ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name="holds_entry_id_fk"),
    CheckConstraint("amount_cents > 0", name="holds_amount_cents_check"),
    CheckConstraint("status IN ('pending', 'posted', 'voided', 'expired')", name="holds_status_check"),
    CheckConstraint("(status = 'posted') = (entry_id IS NOT NULL)", name="holds_entry_id_check"),
)
Index("holds_pending_account_idx", holds.c.account_id, postgresql_where=text("status = 'pending'"))
Index("holds_pending_expires_idx", holds.c.expires_at, postgresql_where=text("status = 'pending'"))
