"""What an account, intent, payout, hold or count is stays what it was opened as: the service changes how far it has come.

A lock needs the right to change one column at least; the id is one that nothing can change once postings name it.
"""

from meshkit.db.migrate import give_back, take_away

revision = "0012"
down_revision = "0011"

_WHOLE = {
    "UPDATE": ("accounts", "payouts", "payout_items", "payment_intents", "cash_mismatches", "cash_hand_ins", "holds")
}
_OF_AN_INTENT = (
    "order_version", "order_status", "vendor_store_name", "status", "amount_cents", "fee_cents", "failure_reason",
    "delivered_at", "cash_collected_at", "vendor_paid_at", "payout_returned_at", "payout_id", "payout_hold_reason",
    "collected_by_user_id", "hand_in_id", "cash_counted_at", "cash_mismatch_id", "refunded_cents", "refunded_fee_cents",
    "credited_cents", "payable_refunded_cents",
)  # fmt: skip
_COLUMNS = {
    "UPDATE (id)": ("accounts",),
    "UPDATE (status, paid_at, netted_cents, reference)": ("payouts",),
    "UPDATE (active)": ("payout_items",),
    f"UPDATE ({', '.join(_OF_AN_INTENT)})": ("payment_intents",),
    "UPDATE (resolved_at, resolved_by_user_id, reason, recovered_cents, written_off_cents)": ("cash_mismatches",),
    "UPDATE (status, counted_cents, counted_at, counted_by_user_id)": ("cash_hand_ins",),
    "UPDATE (status, entry_id, changed_at)": ("holds",),
}


def upgrade() -> None:
    """Leave the right to change these columns."""
    take_away(_WHOLE)
    give_back(_COLUMNS)


def downgrade() -> None:
    """Give it back on the whole tables."""
    take_away(_COLUMNS)
    give_back(_WHOLE)
