"""How often the store refused to have an object looked at or removed, and when it is asked again.

With a default, so that code of before goes on working beside it.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_UP = """
ALTER TABLE media
    ADD COLUMN refused_times INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN ask_again_at TIMESTAMP WITH TIME ZONE;
"""
_DOWN = "ALTER TABLE media DROP COLUMN ask_again_at, DROP COLUMN refused_times;"


def upgrade() -> None:
    """Add them."""
    op.execute(_UP)


def downgrade() -> None:
    """Take them away."""
    op.execute(_DOWN)
