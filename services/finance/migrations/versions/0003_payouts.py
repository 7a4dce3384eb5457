"""Payouts as transfers, a second person, holds of payouts, refunds."""

from alembic import op

from meshkit.db.migrate import drop_append_only, make_append_only

revision = "0003"
down_revision = "0002"

_KINDS = "'cash_in_transit', 'cash_clearing', 'vendor_payable', 'platform_fee', 'refund_payable', 'cash_difference'"
_TYPES = (
    "'cash_collected', 'vendor_payout', 'payout_returned', 'refund', 'cash_handed_in', 'cash_difference',"
    " 'adjustment', 'transfer', 'reversal'"
)

_INTENTS = """
ALTER TABLE payment_intents
    ADD COLUMN payout_returned_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN payout_id UUID,
    ADD COLUMN payout_hold_reason TEXT NOT NULL DEFAULT '',
    ADD COLUMN refunded_cents BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN refunded_fee_cents BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN payable_refunded_cents BIGINT NOT NULL DEFAULT 0,
    ADD CONSTRAINT payment_intents_refunded_cents_check CHECK (refunded_cents BETWEEN 0 AND amount_cents),
    ADD CONSTRAINT payment_intents_refunded_fee_cents_check CHECK (refunded_fee_cents BETWEEN 0 AND least(fee_cents, refunded_cents));
CREATE INDEX payment_intents_vendor_idx ON payment_intents (vendor_store_id, created_at DESC, id DESC);
"""
_TABLES = """
CREATE TABLE payouts (
    id UUID NOT NULL,
    vendor_store_id UUID NOT NULL,
    vendor_store_name TEXT NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    gross_cents BIGINT NOT NULL,
    netted_cents BIGINT NOT NULL,
    reference TEXT NOT NULL,
    requested_by_user_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT payouts_pk PRIMARY KEY (id),
    CONSTRAINT payouts_netted_cents_check CHECK (netted_cents BETWEEN 0 AND gross_cents),
    CONSTRAINT payouts_status_check CHECK (status IN ('awaiting_approval', 'paid', 'rejected', 'returned'))
);
CREATE INDEX payouts_created_at_idx ON payouts (created_at DESC, id DESC);
CREATE INDEX payouts_status_idx ON payouts (status, created_at DESC, id DESC);
CREATE TABLE payout_items (
    payout_id UUID NOT NULL,
    order_id UUID NOT NULL,
    order_number BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL,
    active BOOLEAN NOT NULL,
    CONSTRAINT payout_items_pk PRIMARY KEY (payout_id, order_id),
    CONSTRAINT payout_items_payout_id_fk FOREIGN KEY(payout_id) REFERENCES payouts (id),
    CONSTRAINT payout_items_amount_cents_check CHECK (amount_cents >= 0)
);
CREATE UNIQUE INDEX payout_items_active_key ON payout_items (order_id) WHERE active;
CREATE TABLE payout_decisions (
    payout_id UUID NOT NULL,
    decision TEXT NOT NULL,
    user_id UUID NOT NULL,
    reason TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payout_decisions_pk PRIMARY KEY (payout_id, decision),
    CONSTRAINT payout_decisions_payout_id_fk FOREIGN KEY(payout_id) REFERENCES payouts (id),
    CONSTRAINT payout_decisions_decision_check CHECK (decision IN ('request', 'approve', 'reject', 'return'))
);
"""
# Whatever the code says: who approves is somebody else than who asked.
_TWO_PERSONS = """
CREATE FUNCTION payout_needs_two() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.decision = 'approve' AND EXISTS (
        SELECT 1 FROM payouts WHERE id = NEW.payout_id AND requested_by_user_id = NEW.user_id) THEN
        RAISE EXCEPTION 'a payout is approved by somebody else' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_decisions_two BEFORE INSERT ON payout_decisions
    FOR EACH ROW EXECUTE FUNCTION payout_needs_two();
"""


def _check(table: str, column: str, values: str) -> None:
    name = f"{table}_{column}_check"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({values}))")


def upgrade() -> None:
    """Create payouts."""
    op.execute(_INTENTS)
    op.execute(_TABLES)
    op.execute(_TWO_PERSONS)
    make_append_only("payout_decisions")
    _check("accounts", "kind", f"{_KINDS}, 'vendor_receivable'")
    _check("ledger_entries", "type", f"{_TYPES}, 'payout_netted'")


def downgrade() -> None:
    """Take them back; refused while there is money that the older ledger does not know."""
    _check("ledger_entries", "type", _TYPES)
    _check("accounts", "kind", _KINDS)
    drop_append_only("payout_decisions")
    op.execute("DROP FUNCTION payout_needs_two() CASCADE")
    op.execute("DROP TABLE payout_decisions, payout_items, payouts")
    op.execute("DROP INDEX payment_intents_vendor_idx")
    op.execute(
        "ALTER TABLE payment_intents DROP COLUMN payable_refunded_cents, DROP COLUMN refunded_fee_cents,"
        " DROP COLUMN refunded_cents, DROP COLUMN payout_hold_reason, DROP COLUMN payout_id,"
        " DROP COLUMN payout_returned_at"
    )
