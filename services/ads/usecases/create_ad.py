"""Create a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import ValidationError
from meshkit.ids import new_id
from services.ads.data import campaigns, gates
from services.ads.errors import VendorNotEligible

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.db.tx import Tx


# The URL travels inside both tokens, and each of those must stay below 2 KiB (REQUIREMENTS A.7.4).
URL_MAX = 900
_WEB = ("https://", "http://")


@dataclass(frozen=True)
class Campaign:
    """What a vendor wants shown, where, for how much."""

    status: str
    placement: str
    target_type: str
    target_id: uuid.UUID
    bid_cents: int
    daily_budget_cents: int
    starts_at: datetime | None
    ends_at: datetime | None
    creatives: Sequence[dict[str, Any]]


def create_ad(tx: Tx, campaign: Campaign) -> tuple[Any, Sequence[Any]]:
    """Insert a campaign; returns it with its creatives. Raises VendorNotEligible, ValidationError."""
    store_id = tx.principal.require_store
    gate = gates.find(tx, store_id)
    if gate is None or gate.kyc_status != "verified":
        raise VendorNotEligible(needs="verified licence")
    if not gate.subscription_active:
        raise VendorNotEligible(needs="active subscription")
    if campaign.starts_at and campaign.ends_at and campaign.ends_at <= campaign.starts_at:
        raise ValidationError.of("ends_at", "must be after starts_at")
    if campaign.target_type == "store" and campaign.target_id != store_id:
        raise ValidationError.of("target_id", "must be your own store")
    _require_web_addresses(campaign.creatives)
    columns = {name: value for name, value in vars(campaign).items() if name != "creatives"}
    row = campaigns.add(
        tx,
        id=new_id(),
        store_id=store_id,
        currency="USD",
        creatives=[{**creative, "id": new_id()} for creative in campaign.creatives],
        **columns,
    )
    tx.audit(target=row.id, after={"status": row.status, "bid_cents": row.bid_cents})
    return row, campaigns.creatives_of(tx, row.id)


def _require_web_addresses(creatives: Sequence[dict[str, Any]]) -> None:
    """Raise ValidationError for a destination that a browser would run instead of visit, or that is too long."""
    for index, creative in enumerate(creatives):
        url = creative["destination_url"]
        if not url.lower().startswith(_WEB) or len(url) > URL_MAX:
            field = f"creatives[{index}].destination_url"
            raise ValidationError.of(field, f"must be an http or https address of at most {URL_MAX} characters")
