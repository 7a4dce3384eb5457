"""A licence that was filed stays what it was filed as, and a session whose it is: the service changes how far they have come."""

from meshkit.db.migrate import give_back, take_away

revision = "0013"
down_revision = "0012"

_WHOLE = {"UPDATE": ("licenses", "users", "sessions", "refresh_tokens")}
_COLUMNS = {
    "UPDATE (status, reason, decided_at)": ("licenses",),
    "UPDATE (last_login_at)": ("users",),
    "UPDATE (active_store_id, not_before, ended_at, end_reason)": ("sessions",),
    "UPDATE (rotated_at)": ("refresh_tokens",),
}


def upgrade() -> None:
    """Leave the right to change these columns."""
    take_away(_WHOLE)
    give_back(_COLUMNS)


def downgrade() -> None:
    """Give it back on the whole table."""
    take_away(_COLUMNS)
    give_back(_WHOLE)
