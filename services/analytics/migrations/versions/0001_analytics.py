"""The first tables of analytics."""

from alembic import op

from meshkit.db.migrate import create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE store_gates (
    store_id UUID NOT NULL,
    subscription_active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT store_gates_pk PRIMARY KEY (store_id)
);
CREATE TABLE warehouse_rows (
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    event_id UUID NOT NULL,
    row JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    loaded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT warehouse_rows_pk PRIMARY KEY (seq),
    CONSTRAINT warehouse_rows_event_id_key UNIQUE (event_id)
);
CREATE INDEX warehouse_rows_loaded_at_idx ON warehouse_rows (loaded_at);
CREATE INDEX warehouse_rows_waiting_idx ON warehouse_rows (seq) WHERE loaded_at IS NULL;
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE warehouse_rows, store_gates")
    drop_platform_tables()
