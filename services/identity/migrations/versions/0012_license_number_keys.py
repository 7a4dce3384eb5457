"""What licence numbers have in common that differ only in blanks, case, width or kinds of dashes; unique in a state.

No licence has its key from here: 0014 gives it to those of before. Code of before leaves it out of what it files beside
this, which nothing refuses as long as the number itself is another: 0014 is to be repeated when the last of it has stopped.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

_UP = """
ALTER TABLE licenses ADD COLUMN number_key TEXT;
ALTER TABLE licenses ADD CONSTRAINT licenses_issuing_state_number_key_key UNIQUE (issuing_state, number_key);
"""
_DOWN = "ALTER TABLE licenses DROP COLUMN number_key;"


def upgrade() -> None:
    """Add the column."""
    op.execute(_UP)


def downgrade() -> None:
    """Take it away."""
    op.execute(_DOWN)
