"""SQL about campaigns."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, insert, or_, select

from meshkit.db.rows import columns_of
from services.ads.campaigns.domain.destination import CLEAN
from services.ads.schema import ad_creatives, ads, store_gates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx

_CANDIDATES_MAX = 20


class Ad(NamedTuple):
    """A campaign."""

    id: uuid.UUID
    store_id: uuid.UUID
    status: str
    placement: str
    target_type: str
    target_id: uuid.UUID
    bid_cents: int
    daily_budget_cents: int
    currency: str
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime


class Creative(NamedTuple):
    """What an ad shows."""

    id: uuid.UUID
    destination_url: str
    headline: str
    body: str


def add(tx: Tx, *, creatives: Sequence[Mapping[str, object]], **columns: object) -> Ad:
    """Insert a campaign with its creatives; returns the campaign."""
    ad = tx.fetch(insert(ads).values(created_at=tx.now, **columns).returning(*columns_of(ads, Ad)), Ad).one()
    tx.execute(
        insert(ad_creatives),
        [{**creative, "ad_id": ad.id, "position": position} for position, creative in enumerate(creatives)],
    )
    return ad


def creatives_of(tx: Tx, ad_id: uuid.UUID) -> list[Creative]:
    """Return a campaign's creatives in their order."""
    statement = select(*columns_of(ad_creatives, Creative)).where(ad_creatives.c.ad_id == ad_id)
    return tx.fetch(statement.order_by(ad_creatives.c.position), Creative).all()


def candidates(tx: Tx, *, placement: str, state: str) -> list[Ad]:
    """Return at most 20 ads that may be shown now in a state, highest bids first."""
    statement = (
        select(*columns_of(ads, Ad))
        .join(store_gates, store_gates.c.store_id == ads.c.store_id)
        .join(ad_creatives, and_(ad_creatives.c.ad_id == ads.c.id, ad_creatives.c.position == 0))
        .where(
            ads.c.status == "active",
            ads.c.placement == placement,
            # Campaigns kept before addresses were checked may lead elsewhere: they are not shown.
            ad_creatives.c.destination_url.regexp_match(CLEAN),
            or_(ads.c.starts_at.is_(None), ads.c.starts_at <= tx.now),
            or_(ads.c.ends_at.is_(None), ads.c.ends_at > tx.now),
            store_gates.c.type == "vendor",
            store_gates.c.kyc_status == "verified",
            store_gates.c.subscription_active,
            store_gates.c.state == state,
        )
        .order_by(ads.c.bid_cents.desc(), ads.c.id)
        .limit(_CANDIDATES_MAX)
    )
    return tx.fetch(statement, Ad).all()
