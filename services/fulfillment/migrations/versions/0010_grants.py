"""The service may change and delete only what its statements change and delete; the audit chain only grows."""

from meshkit.db.migrate import drop_append_only, give_back, make_append_only, take_away

revision = "0010"
down_revision = "0003"

_NEVER = {
    "UPDATE, DELETE": ("agents",),
    "UPDATE": ("proof_uploads",),
    "DELETE": ("deliveries", "inbox_dlq", "order_assignments", "outbox_dlq"),
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
