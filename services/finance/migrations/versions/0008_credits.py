"""What the buyer of a delivered order need not pay."""

from alembic import op

revision = "0008"
down_revision = "0007"

_TYPES = (
    "'cash_collected', 'vendor_payout', 'payout_returned', 'refund', 'cash_handed_in', 'cash_difference', 'adjustment',"
    " 'transfer', 'reversal', 'payout_netted'"
)


def upgrade() -> None:
    """Add the column and the entry; code which is still running leaves them alone."""
    op.execute(
        """
        ALTER TABLE payment_intents
            ADD COLUMN credited_cents BIGINT NOT NULL DEFAULT 0,
            ADD CONSTRAINT payment_intents_credited_cents_check CHECK (credited_cents BETWEEN 0 AND refunded_cents)
        """
    )
    _allow(f"{_TYPES}, 'credit'")


def downgrade() -> None:
    """Take them away; the ledger keeps its entries, so this is for books without a credit only."""
    _allow(_TYPES)
    op.execute(
        "ALTER TABLE payment_intents DROP CONSTRAINT payment_intents_credited_cents_check, DROP COLUMN credited_cents"
    )


def _allow(types: str) -> None:
    op.execute(
        "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_type_check,"
        f" ADD CONSTRAINT ledger_entries_type_check CHECK (type IN ({types}))"
    )
