"""Create a campaign: whose a product target is, only catalog knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from services.ads.campaigns.usecases import create_ad as record
from services.ads.campaigns.usecases.create_ad import Campaign

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.ads.campaigns.data.campaigns import Ad, Creative
    from services.ads.outbound.ports import Products


def create_ad(
    flow: Flow, campaign: Campaign, *, products: Products, respond: Callable[[Ad, Sequence[Creative]], Message]
) -> Message:
    """Return the new campaign's answer. Raises VendorNotEligible, ValidationError, DependencyUnavailable."""
    if campaign.target_type == "product":
        with flow.read() as tx:
            record.check_ad(tx, campaign)
        # A product of somebody else looks as one that does not exist.
        if products.owner_of(flow.call, campaign.target_id) != flow.principal.require_store:
            raise ValidationError.of("target_id", "must be a product of your own store")
    with flow.transaction() as tx:
        return flow.complete(tx, respond(*record.create_ad(tx, campaign, flow_id=flow.id)))
