"""The first tables of fulfillment."""

from alembic import op

from meshkit.db.migrate import create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE agents (
    user_id UUID NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT agents_pk PRIMARY KEY (user_id)
);
CREATE TABLE deliveries (
    order_id UUID NOT NULL,
    order_number BIGINT NOT NULL,
    order_version BIGINT NOT NULL,
    order_status TEXT NOT NULL,
    hold_reason TEXT NOT NULL,
    shipping_status TEXT NOT NULL,
    payment_status TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    currency TEXT NOT NULL,
    total_cents BIGINT NOT NULL,
    total_items INTEGER NOT NULL,
    buyer_store_id UUID NOT NULL,
    buyer_store_name TEXT NOT NULL,
    vendor_store_id UUID NOT NULL,
    vendor_store_name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT deliveries_pk PRIMARY KEY (order_id)
);
CREATE INDEX deliveries_created_at_idx ON deliveries (created_at DESC, order_id DESC);
CREATE TABLE order_assignments (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    agent_user_id UUID NOT NULL,
    assigned_by_user_id UUID,
    reason TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    unassigned_at TIMESTAMP WITH TIME ZONE,
    pickup_time TIMESTAMP WITH TIME ZONE,
    delivery_time TIMESTAMP WITH TIME ZONE,
    cash_pickup_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT order_assignments_pk PRIMARY KEY (id),
    CONSTRAINT order_assignments_order_id_fk FOREIGN KEY(order_id) REFERENCES deliveries (order_id),
    CONSTRAINT order_assignments_reason_check CHECK (reason IN ('auto_random', 'admin_override'))
);
CREATE UNIQUE INDEX order_assignments_active_key ON order_assignments (order_id) WHERE active;
CREATE INDEX order_assignments_agent_idx ON order_assignments (agent_user_id, assigned_at DESC, order_id DESC) WHERE active;
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE order_assignments, deliveries, agents")
    drop_platform_tables()
