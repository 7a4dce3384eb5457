"""The service may change and delete only what its statements change and delete; the audit chain only grows."""

from meshkit.db.migrate import drop_append_only, give_back, make_append_only, take_away

revision = "0010"
down_revision = "0008"

_NEVER = {
    "UPDATE, DELETE": ("cash_stations",),
    "DELETE": (
        "accounts",
        "cash_hand_ins",
        "cash_mismatches",
        "holds",
        "inbox_dlq",
        "outbox_dlq",
        "payment_intents",
        "payout_items",
        "payouts",
    ),
    "INSERT, UPDATE, DELETE": ("alembic_version",),
}


def upgrade() -> None:
    """Take the rights away."""
    make_append_only("audit_chain")
    take_away(_NEVER)


def downgrade() -> None:
    """Give them back."""
    give_back({**_NEVER, "DELETE, UPDATE": ("audit_chain",)})
    drop_append_only("audit_chain")
