"""AdService: campaigns and serving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.ads.v1 import ad_service_pb2 as messages
from meshkit.ids import parse_id
from services.ads.campaigns.api import mapping
from services.ads.campaigns.flows.create_ad import create_ad
from services.ads.campaigns.usecases.create_ad import Campaign
from services.ads.campaigns.usecases.serve_ad import serve_ad

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.ads.outbound.ad_tokens import AdTokens
    from services.ads.outbound.ports import Products


@dataclass(frozen=True)
class AdServicer:
    """Translates; the rules are in the use cases."""

    tokens: AdTokens
    products: Products

    def CreateAd(self, request: messages.CreateAdRequest, flow: Flow) -> Message:
        campaign = Campaign(
            status=messages.AdStatus.Value.Name(request.status),
            placement=messages.AdPlacement.Value.Name(request.placement),
            target_type=messages.AdTarget.Value.Name(request.target_type),
            target_id=parse_id(request.target_id, field="target_id"),
            bid_cents=request.bid_cents,
            daily_budget_cents=request.daily_budget_cents,
            starts_at=request.starts_at.ToDatetime(tzinfo=UTC) if request.HasField("starts_at") else None,
            ends_at=request.ends_at.ToDatetime(tzinfo=UTC) if request.HasField("ends_at") else None,
            creatives=[
                {"destination_url": item.destination_url, "headline": item.headline, "body": item.body}
                for item in request.creatives
            ],
        )
        return create_ad(flow, campaign, products=self.products, respond=mapping.ad_message)

    def ServeAd(self, request: messages.ServeAdRequest, tx: Tx) -> messages.ServeAdResponse:
        placement = messages.AdPlacement.Value.Name(request.placement)
        return mapping.served_message(serve_ad(tx, placement=placement, tokens=self.tokens))
