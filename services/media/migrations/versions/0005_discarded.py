"""Dead letters that an operator gave up for good."""

from meshkit.db.migrate import add_discards, drop_discards

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add columns that code which is still running leaves alone."""
    add_discards()


def downgrade() -> None:
    """Take them away again."""
    drop_discards()
