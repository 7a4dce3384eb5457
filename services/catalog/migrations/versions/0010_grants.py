"""The service may change and delete only what its statements change and delete; the audit chain only grows."""

from meshkit.db.migrate import drop_append_only, give_back, make_append_only, take_away

revision = "0010"
down_revision = "0006"

_NEVER = {
    "UPDATE": ("product_media", "volume_discounts"),
    "DELETE": ("inbox_dlq", "inventory_items", "outbox_dlq", "products", "promos", "reservations", "store_gates"),
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
