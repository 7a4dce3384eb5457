"""The tables of the ledger. Each names its invariant; only finance writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

from meshkit.db.tables import instant
from services.finance.schema.base import metadata

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

# Append-only. One entry per key, and one collection per subject, so no cash is taken and no vendor paid twice. What
# caused an entry is its subject unless `cause_id` says otherwise. An entry is taken back by at most one other.
ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text),
    Column("subject_kind", Text),
    Column("subject_id", Uuid),
    Column("buyer_store_id", Uuid),
    Column("vendor_store_id", Uuid),
    Column("cause_type", Text, nullable=False),
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
    CheckConstraint("subject_id IS NOT NULL OR cause_id IS NOT NULL", name="ledger_entries_cause_check"),
    CheckConstraint("(subject_kind IS NULL) = (subject_id IS NULL)", name="ledger_entries_subject_check"),
    CheckConstraint("subject_kind IN ('order')", name="ledger_entries_subject_kind_check"),
)
Index(
    "ledger_entries_collection_key",
    ledger_entries.c.subject_kind,
    ledger_entries.c.subject_id,
    unique=True,
    postgresql_where=text("type = 'cash_collected'"),
)
Index("ledger_entries_subject_id_idx", ledger_entries.c.subject_id, ledger_entries.c.id)
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

# Append-only. What an account's postings sum to up to an entry, so that nobody has to sum from the first one on.
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

# Append-only. No entry is posted for a day up to `closed_through` (trigger on ledger_entries).
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
