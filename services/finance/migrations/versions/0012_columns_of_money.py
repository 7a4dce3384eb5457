"""What an account or a payout is stays what it was opened as: the service changes only how far it has come.

A lock needs the right to change one column at least; the id is one that nothing can change once postings name it.
"""

from meshkit.db.migrate import give_back, take_away

revision = "0012"
down_revision = "0011"

_WHOLE = {"UPDATE": ("accounts", "payouts", "payout_items")}
_COLUMNS = {
    "UPDATE (id)": ("accounts",),
    "UPDATE (status, paid_at, netted_cents, reference)": ("payouts",),
    "UPDATE (active)": ("payout_items",),
}


def upgrade() -> None:
    """Leave the right to change these columns."""
    take_away(_WHOLE)
    give_back(_COLUMNS)


def downgrade() -> None:
    """Give it back on the whole tables."""
    take_away(_COLUMNS)
    give_back(_WHOLE)
