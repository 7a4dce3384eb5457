"""Reports of comparing our payouts with a bank's file."""

from alembic import op

from meshkit.db.migrate import drop_append_only, make_append_only

revision = "0004"
down_revision = "0003"

_TABLES = """
CREATE TABLE reconciliations (
    id UUID NOT NULL,
    file_hash TEXT NOT NULL,
    file_name TEXT NOT NULL,
    date_from DATE NOT NULL,
    date_to DATE NOT NULL,
    lines INTEGER NOT NULL,
    matched INTEGER NOT NULL,
    differences JSONB NOT NULL,
    created_by_user_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT reconciliations_pk PRIMARY KEY (id),
    CONSTRAINT reconciliations_file_hash_key UNIQUE (file_hash)
);
CREATE INDEX payouts_paid_at_idx ON payouts (paid_at);
"""


def upgrade() -> None:
    """Create reports."""
    op.execute(_TABLES)
    make_append_only("reconciliations")


def downgrade() -> None:
    """Drop them."""
    drop_append_only("reconciliations")
    op.execute("DROP INDEX payouts_paid_at_idx")
    op.execute("DROP TABLE reconciliations")
