"""Ads' tables. Each names its invariant; only ads writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from meshkit.db.tables import instant, platform_metadata

metadata = platform_metadata()

# What may be done with a store, as identity announces it; the highest version counts.
store_gates = Table(
    "store_gates",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kyc_status", Text, nullable=False),
    Column("subscription_active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", name="store_gates_pk"),
)

# A campaign of one vendor. Money in minor units; the bid is per thousand impressions.
ads = Table(
    "ads",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("placement", Text, nullable=False),
    Column("target_type", Text, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("bid_cents", BigInteger, nullable=False),
    Column("daily_budget_cents", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    instant("starts_at", nullable=True),
    instant("ends_at", nullable=True),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="ads_pk"),
    CheckConstraint("bid_cents >= 0 AND daily_budget_cents >= 0", name="ads_money_check"),
    CheckConstraint(
        "status IN ('draft', 'active', 'paused', 'exhausted', 'expired', 'archived')", name="ads_status_check"
    ),
    CheckConstraint("placement IN ('hero', 'store', 'product')", name="ads_placement_check"),
    CheckConstraint("target_type IN ('store', 'product')", name="ads_target_type_check"),
)
Index("ads_serving_idx", ads.c.placement, ads.c.bid_cents.desc(), postgresql_where=text("status = 'active'"))
Index("ads_store_id_idx", ads.c.store_id)

# What an ad shows.
ad_creatives = Table(
    "ad_creatives",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("ad_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("destination_url", Text, nullable=False),
    Column("headline", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("id", name="ad_creatives_pk"),
    ForeignKeyConstraint(["ad_id"], ["ads.id"], name="ad_creatives_ad_id_fk"),
)
Index("ad_creatives_ad_id_idx", ad_creatives.c.ad_id, ad_creatives.c.position)
