"""SQL about campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, insert, or_, select

from services.ads.campaigns.domain.destination import CLEAN
from services.ads.schema import ad_creatives, ads, store_gates

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

_CANDIDATES_MAX = 20


def add(tx: Tx, *, creatives: Sequence[dict[str, Any]], **columns: Any) -> Any:
    """Insert a campaign with its creatives; returns the campaign."""
    row = tx.execute(insert(ads).values(created_at=tx.now, **columns).returning(ads)).one()
    tx.execute(
        insert(ad_creatives),
        [{**creative, "ad_id": row.id, "position": position} for position, creative in enumerate(creatives)],
    )
    return row


def creatives_of(tx: Tx, ad_id: uuid.UUID) -> Sequence[Any]:
    """Return a campaign's creatives in their order."""
    statement = select(ad_creatives).where(ad_creatives.c.ad_id == ad_id).order_by(ad_creatives.c.position)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def candidates(tx: Tx, *, placement: str, state: str) -> Sequence[Any]:
    """Return at most 20 ads that may be shown now in a state, highest bids first."""
    statement = (
        select(ads)
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
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows
