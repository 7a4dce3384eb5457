"""The first tables of ads."""

from alembic import op

from meshkit.db.migrate import create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE ads (
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    status TEXT NOT NULL,
    placement TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_id UUID NOT NULL,
    bid_cents BIGINT NOT NULL,
    daily_budget_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT ads_pk PRIMARY KEY (id),
    CONSTRAINT ads_money_check CHECK (bid_cents >= 0 AND daily_budget_cents >= 0),
    CONSTRAINT ads_status_check CHECK (status IN ('draft', 'active', 'paused', 'exhausted', 'expired', 'archived')),
    CONSTRAINT ads_placement_check CHECK (placement IN ('hero', 'store', 'product')),
    CONSTRAINT ads_target_type_check CHECK (target_type IN ('store', 'product'))
);
CREATE INDEX ads_serving_idx ON ads (placement, bid_cents DESC) WHERE status = 'active';
CREATE INDEX ads_store_id_idx ON ads (store_id);
CREATE TABLE store_gates (
    store_id UUID NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    kyc_status TEXT NOT NULL,
    subscription_active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT store_gates_pk PRIMARY KEY (store_id)
);
CREATE TABLE ad_creatives (
    id UUID NOT NULL,
    ad_id UUID NOT NULL,
    position INTEGER NOT NULL,
    destination_url TEXT NOT NULL,
    headline TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT ad_creatives_pk PRIMARY KEY (id),
    CONSTRAINT ad_creatives_ad_id_fk FOREIGN KEY(ad_id) REFERENCES ads (id)
);
CREATE INDEX ad_creatives_ad_id_idx ON ad_creatives (ad_id, position);
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE ad_creatives, store_gates, ads")
    drop_platform_tables()
