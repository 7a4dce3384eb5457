"""A licence that was filed stays what it was filed as: the service changes what was decided about it and nothing else."""

from meshkit.db.migrate import give_back, take_away

revision = "0013"
down_revision = "0012"

_WHOLE = {"UPDATE": ("licenses",)}
_COLUMNS = {"UPDATE (status, reason, decided_at)": ("licenses",)}


def upgrade() -> None:
    """Leave the right to change these columns."""
    take_away(_WHOLE)
    give_back(_COLUMNS)


def downgrade() -> None:
    """Give it back on the whole table."""
    take_away(_COLUMNS)
    give_back(_WHOLE)
