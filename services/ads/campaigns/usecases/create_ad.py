"""Create a campaign."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.ids import derived_id
from services.ads.campaigns.data import campaigns
from services.ads.campaigns.domain.destination import clean_destination
from services.ads.errors import VendorNotEligible
from services.ads.store_gates.usecases.read_store_gate import read_store_gate

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.db.tx import Tx
    from services.ads.campaigns.data.campaigns import Ad, Creative


# The URL travels inside both tokens, and each of those must stay below 2 KiB (REQUIREMENTS A.7.4).
URL_MAX = 900


@dataclass(frozen=True)
class NewCreative:
    """What an ad is to show."""

    destination_url: str
    headline: str
    body: str


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
    creatives: Sequence[NewCreative]


def check_ad(tx: Tx, campaign: Campaign) -> list[NewCreative]:
    """Return the creatives as they are kept. Raises VendorNotEligible, ValidationError.

    Whose a product target is, is the flow's to ask.
    """
    store_id = tx.principal.require_store
    gate = read_store_gate(tx, store_id=store_id)
    if gate is None or gate.kyc_status != "verified":
        raise VendorNotEligible(needs="verified licence")
    if not gate.subscription_active:
        raise VendorNotEligible(needs="active subscription")
    if campaign.starts_at and campaign.ends_at and campaign.ends_at <= campaign.starts_at:
        raise ValidationError.of("ends_at", "must be after starts_at")
    if campaign.target_type == "store" and campaign.target_id != store_id:
        raise ValidationError.of("target_id", "must be your own store")
    return [_with_clean_destination(index, creative) for index, creative in enumerate(campaign.creatives)]


def create_ad(tx: Tx, campaign: Campaign, *, flow_id: uuid.UUID) -> tuple[Ad, list[Creative]]:
    """Insert the campaign of a flow; returns it with its creatives. Raises VendorNotEligible, ValidationError."""
    creatives = check_ad(tx, campaign)
    columns = {name: value for name, value in vars(campaign).items() if name != "creatives"}
    row = campaigns.add(
        tx,
        id=derived_id(flow_id, "ad"),
        store_id=tx.principal.require_store,
        currency="USD",
        creatives=[
            {**vars(creative), "id": derived_id(flow_id, "creative", position)}
            for position, creative in enumerate(creatives)
        ],
        **columns,
    )
    tx.audit(target=row.id, after={"status": row.status, "bid_cents": row.bid_cents})
    return row, campaigns.creatives_of(tx, row.id)


def _with_clean_destination(index: int, creative: NewCreative) -> NewCreative:
    """Return the creative with its address as browsers see it. Raises ValidationError for one that ads may not lead to."""
    url = clean_destination(creative.destination_url)
    if url is None or len(url) > URL_MAX:
        raise ValidationError.of(
            f"creatives[{index}].destination_url",
            f"must be an https address of at most {URL_MAX} characters, without a login and without another port than 443;"
            " what follows the host is printable ASCII, other letters are written as %XX",
        )
    return replace(creative, destination_url=url)
