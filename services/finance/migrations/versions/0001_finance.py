"""The first tables of finance."""

from alembic import op

from meshkit.db.migrate import (
    create_platform_tables,
    drop_append_only,
    drop_platform_tables,
    make_append_only,
)

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE accounts (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    owner_id UUID NOT NULL,
    currency TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT accounts_pk PRIMARY KEY (id),
    CONSTRAINT accounts_kind_owner_id_currency_key UNIQUE (kind, owner_id, currency),
    CONSTRAINT accounts_kind_check CHECK (kind IN ('cash_in_transit', 'cash_clearing', 'vendor_payable', 'platform_fee'))
);
CREATE TABLE ledger_entries (
    id UUID NOT NULL,
    type TEXT NOT NULL,
    order_id UUID NOT NULL,
    buyer_store_id UUID NOT NULL,
    vendor_store_id UUID NOT NULL,
    actor TEXT NOT NULL,
    request_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT ledger_entries_pk PRIMARY KEY (id),
    CONSTRAINT ledger_entries_order_id_type_key UNIQUE (order_id, type),
    CONSTRAINT ledger_entries_type_check CHECK (type IN ('cash_collected', 'vendor_payout'))
);
CREATE TABLE payment_intents (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    order_number BIGINT NOT NULL,
    order_version BIGINT NOT NULL,
    order_status TEXT NOT NULL,
    buyer_store_id UUID NOT NULL,
    vendor_store_id UUID NOT NULL,
    vendor_store_name TEXT NOT NULL,
    method TEXT NOT NULL,
    status TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    fee_basis_points INTEGER NOT NULL,
    fee_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    failure_reason TEXT NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    cash_collected_at TIMESTAMP WITH TIME ZONE,
    vendor_paid_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payment_intents_pk PRIMARY KEY (id),
    CONSTRAINT payment_intents_order_id_key UNIQUE (order_id),
    CONSTRAINT payment_intents_amount_cents_check CHECK (amount_cents >= 0),
    CONSTRAINT payment_intents_fee_cents_check CHECK (fee_cents BETWEEN 0 AND amount_cents),
    CONSTRAINT payment_intents_method_check CHECK (method IN ('cash', 'ach')),
    CONSTRAINT payment_intents_status_check CHECK (status IN ('unpaid', 'pending', 'settled', 'paid', 'failed', 'rejected'))
);
CREATE INDEX payment_intents_payout_due_idx ON payment_intents (delivered_at, id) WHERE status = 'settled' AND delivered_at IS NOT NULL;
CREATE TABLE postings (
    entry_id UUID NOT NULL,
    position INTEGER NOT NULL,
    account_id UUID NOT NULL,
    amount_cents BIGINT NOT NULL,
    CONSTRAINT postings_pk PRIMARY KEY (entry_id, position),
    CONSTRAINT postings_entry_id_fk FOREIGN KEY(entry_id) REFERENCES ledger_entries (id),
    CONSTRAINT postings_account_id_fk FOREIGN KEY(account_id) REFERENCES accounts (id),
    CONSTRAINT postings_amount_cents_check CHECK (amount_cents <> 0)
);
CREATE INDEX postings_account_id_idx ON postings (account_id);
"""

# Checked at commit, when all sides of an entry are there: no transaction can leave the ledger unbalanced.
_BALANCE_TRIGGER = """
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid := CASE TG_TABLE_NAME WHEN 'postings' THEN (to_jsonb(NEW) ->> 'entry_id')::uuid
                                     ELSE (to_jsonb(NEW) ->> 'id')::uuid END;
BEGIN
    IF (SELECT count(*) FROM postings WHERE entry_id = entry) < 2 THEN
        RAISE EXCEPTION 'ledger entry % has fewer than two postings', entry USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM postings p JOIN accounts a ON a.id = p.account_id WHERE p.entry_id = entry
               GROUP BY a.currency HAVING sum(p.amount_cents) <> 0) THEN
        RAISE EXCEPTION 'ledger entry % is not balanced', entry USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE CONSTRAINT TRIGGER postings_balance AFTER INSERT ON postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    op.execute(_TABLES)
    op.execute(_BALANCE_TRIGGER)
    make_append_only("ledger_entries")
    make_append_only("postings")


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP FUNCTION ledger_entry_balances() CASCADE")
    drop_append_only("postings")
    drop_append_only("ledger_entries")
    op.execute("DROP TABLE postings, payment_intents, ledger_entries, accounts")
    drop_platform_tables()
