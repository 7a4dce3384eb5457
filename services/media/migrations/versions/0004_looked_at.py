"""Which contents of an object were looked at, what waits to be, and what waits to be removed.

Columns without a value, so that code of before goes on working beside it.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

_UP = """
ALTER TABLE media
    ADD COLUMN generation BIGINT,
    ADD COLUMN arrived_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN removed_at TIMESTAMP WITH TIME ZONE;
CREATE INDEX media_open_of_store_idx ON media (store_id, created_at) WHERE status = 'pending';
CREATE INDEX media_open_of_user_idx ON media (user_id, created_at) WHERE status = 'pending';
CREATE INDEX media_arrived_idx ON media (arrived_at) WHERE status = 'pending' AND arrived_at IS NOT NULL;
CREATE INDEX media_to_remove_idx ON media (failed_at) WHERE status = 'failed' AND removed_at IS NULL;
CREATE INDEX media_removed_idx ON media (removed_at) WHERE status = 'failed';
"""
_DOWN = """
DROP INDEX media_removed_idx, media_to_remove_idx, media_arrived_idx, media_open_of_user_idx, media_open_of_store_idx;
ALTER TABLE media DROP COLUMN removed_at, DROP COLUMN arrived_at, DROP COLUMN generation;
"""


def upgrade() -> None:
    """Add them."""
    op.execute(_UP)


def downgrade() -> None:
    """Take them away."""
    op.execute(_DOWN)
