"""The whole ledger: causes, keys, reversals, effective dates, closed periods, snapshots, holds, proofs."""

from alembic import op

from meshkit.db.migrate import drop_append_only, make_append_only

revision = "0002"
down_revision = "0001"

_ENTRIES = """
ALTER TABLE accounts DROP CONSTRAINT accounts_kind_check;
ALTER TABLE accounts ADD CONSTRAINT accounts_kind_check CHECK (kind IN ('cash_in_transit', 'cash_clearing', 'vendor_payable', 'platform_fee', 'refund_payable', 'cash_difference'));
CREATE INDEX accounts_owner_id_idx ON accounts (owner_id);
ALTER TABLE ledger_entries
    ADD COLUMN key TEXT,
    ADD COLUMN cause_type TEXT NOT NULL DEFAULT 'order',
    ADD COLUMN cause_id UUID,
    ADD COLUMN reverses_id UUID,
    ADD COLUMN effective_on DATE NOT NULL DEFAULT CURRENT_DATE,
    ADD COLUMN fingerprint TEXT,
    ALTER COLUMN order_id DROP NOT NULL,
    ALTER COLUMN buyer_store_id DROP NOT NULL,
    ALTER COLUMN vendor_store_id DROP NOT NULL,
    ADD CONSTRAINT ledger_entries_key_key UNIQUE (key),
    ADD CONSTRAINT ledger_entries_reverses_id_key UNIQUE (reverses_id),
    ADD CONSTRAINT ledger_entries_reverses_id_fk FOREIGN KEY (reverses_id) REFERENCES ledger_entries (id),
    ADD CONSTRAINT ledger_entries_cause_check CHECK (order_id IS NOT NULL OR cause_id IS NOT NULL),
    DROP CONSTRAINT ledger_entries_type_check,
    ADD CONSTRAINT ledger_entries_type_check CHECK (type IN ('cash_collected', 'vendor_payout', 'payout_returned', 'refund', 'cash_handed_in', 'cash_difference', 'adjustment', 'transfer', 'reversal')),
    DROP CONSTRAINT ledger_entries_order_id_type_key;
CREATE UNIQUE INDEX ledger_entries_order_id_type_key ON ledger_entries (order_id, type) WHERE type = 'cash_collected';
CREATE INDEX ledger_entries_order_id_idx ON ledger_entries (order_id, id);
CREATE INDEX ledger_entries_cause_id_idx ON ledger_entries (cause_id, id);
DROP INDEX postings_account_id_idx;
CREATE INDEX postings_account_id_entry_id_idx ON postings (account_id, entry_id) INCLUDE (amount_cents);
"""
# An entry that is there counts for the day it was made on.
_EFFECTIVE = """
ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_append_only;
UPDATE ledger_entries SET effective_on = (created_at AT TIME ZONE 'UTC')::date;
ALTER TABLE ledger_entries ENABLE TRIGGER ledger_entries_append_only;
"""
_TABLES = """
CREATE TABLE account_snapshots (
    account_id UUID NOT NULL,
    upto_entry_id UUID NOT NULL,
    balance_cents NUMERIC NOT NULL,
    taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT account_snapshots_pk PRIMARY KEY (account_id, upto_entry_id),
    CONSTRAINT account_snapshots_account_id_fk FOREIGN KEY(account_id) REFERENCES accounts (id)
);
CREATE TABLE period_closings (
    closed_through DATE NOT NULL,
    reason TEXT NOT NULL,
    closed_by_user_id UUID NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT period_closings_pk PRIMARY KEY (closed_through)
);
CREATE TABLE ledger_proofs (
    id UUID NOT NULL,
    proved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    problems JSONB NOT NULL,
    CONSTRAINT ledger_proofs_pk PRIMARY KEY (id)
);
CREATE INDEX ledger_proofs_proved_at_idx ON ledger_proofs (proved_at DESC);
CREATE TABLE holds (
    id UUID NOT NULL,
    key TEXT NOT NULL,
    account_id UUID NOT NULL,
    status TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    reason TEXT NOT NULL,
    entry_id UUID,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT holds_pk PRIMARY KEY (id),
    CONSTRAINT holds_key_key UNIQUE (key),
    CONSTRAINT holds_account_id_fk FOREIGN KEY(account_id) REFERENCES accounts (id),
    CONSTRAINT holds_entry_id_fk FOREIGN KEY(entry_id) REFERENCES ledger_entries (id),
    CONSTRAINT holds_amount_cents_check CHECK (amount_cents > 0),
    CONSTRAINT holds_status_check CHECK (status IN ('pending', 'posted', 'voided', 'expired')),
    CONSTRAINT holds_entry_id_check CHECK ((status = 'posted') = (entry_id IS NOT NULL))
);
CREATE INDEX holds_pending_account_idx ON holds (account_id) WHERE status = 'pending';
CREATE INDEX holds_pending_expires_idx ON holds (expires_at) WHERE status = 'pending';
"""

# Whoever posts shares a lock that closing takes alone, and looks only then: no entry slips into a period that is being
# closed. Once per statement, so that a batch pays for it once.
_PERIOD_TRIGGERS = """
CREATE FUNCTION ledger_period_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed date;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7362002);
    SELECT max(closed_through) INTO closed FROM period_closings;
    IF EXISTS (SELECT 1 FROM fresh WHERE effective_on <= closed) THEN
        RAISE EXCEPTION 'the ledger is closed through %', closed USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_period AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_period_open();
CREATE FUNCTION ledger_period_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7362002);
    IF EXISTS (SELECT 1 FROM period_closings WHERE closed_through >= NEW.closed_through) THEN
        RAISE EXCEPTION 'the ledger is closed through that day' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER period_closings_lock BEFORE INSERT ON period_closings
    FOR EACH ROW EXECUTE FUNCTION ledger_period_closing();
"""
_APPEND_ONLY = ("account_snapshots", "period_closings", "ledger_proofs")

_BACK = """
DROP FUNCTION ledger_period_open() CASCADE;
DROP FUNCTION ledger_period_closing() CASCADE;
DROP TABLE holds, ledger_proofs, period_closings, account_snapshots;
DROP INDEX postings_account_id_entry_id_idx;
CREATE INDEX postings_account_id_idx ON postings (account_id);
DROP INDEX ledger_entries_cause_id_idx, ledger_entries_order_id_idx, ledger_entries_order_id_type_key, accounts_owner_id_idx;
ALTER TABLE ledger_entries
    DROP CONSTRAINT ledger_entries_type_check,
    ADD CONSTRAINT ledger_entries_type_check CHECK (type IN ('cash_collected', 'vendor_payout')),
    ADD CONSTRAINT ledger_entries_order_id_type_key UNIQUE (order_id, type),
    DROP COLUMN fingerprint,
    DROP COLUMN effective_on,
    DROP COLUMN reverses_id,
    DROP COLUMN cause_id,
    DROP COLUMN cause_type,
    DROP COLUMN key,
    ALTER COLUMN order_id SET NOT NULL,
    ALTER COLUMN buyer_store_id SET NOT NULL,
    ALTER COLUMN vendor_store_id SET NOT NULL;
ALTER TABLE accounts DROP CONSTRAINT accounts_kind_check;
ALTER TABLE accounts ADD CONSTRAINT accounts_kind_check CHECK (kind IN ('cash_in_transit', 'cash_clearing', 'vendor_payable', 'platform_fee'));
"""


def upgrade() -> None:
    """Complete the ledger."""
    op.execute(_ENTRIES)
    op.execute(_EFFECTIVE)
    op.execute(_TABLES)
    op.execute(_PERIOD_TRIGGERS)
    for table in _APPEND_ONLY:
        make_append_only(table)


def downgrade() -> None:
    """Take it back; refused while there are entries that the older ledger does not know."""
    for table in _APPEND_ONLY:
        drop_append_only(table)
    op.execute(_BACK)
