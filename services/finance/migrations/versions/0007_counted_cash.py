"""When the cash of an order was counted."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column, and fill it for what was counted already."""
    op.execute("ALTER TABLE payment_intents ADD COLUMN cash_counted_at TIMESTAMP WITH TIME ZONE")
    op.execute(
        "UPDATE payment_intents i SET cash_counted_at = h.counted_at"
        " FROM cash_counts c JOIN cash_hand_ins h ON h.id = c.hand_in_id WHERE c.order_id = i.order_id"
    )


def downgrade() -> None:
    """Drop the column."""
    op.execute("ALTER TABLE payment_intents DROP COLUMN cash_counted_at")
