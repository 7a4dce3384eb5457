"""The service may change and delete only what its statements change and delete; the audit chain only grows."""

from meshkit.db.migrate import drop_append_only, give_back, make_append_only, take_away

revision = "0010"
down_revision = "0007"

_NEVER = {
    "UPDATE": ("cart_items", "cart_vendor_groups"),
    "DELETE": (
        "cart_records",
        "checkout_attempts",
        "inbox_dlq",
        "order_assignments",
        "order_line_items",
        "order_retries",
        "outbox_dlq",
        "store_gates",
        "vendor_order_policies",
        "vendor_orders",
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
