"""Rows and results to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.ads.v1 import ad_service_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ads.campaigns.data.campaigns import Ad, Creative
    from services.ads.campaigns.usecases.serve_ad import Served


def ad_message(row: Ad, creatives: Sequence[Creative]) -> messages.Ad:
    """Return a campaign."""
    message = messages.Ad(
        id=str(row.id),
        store_id=str(row.store_id),
        status=row.status,
        placement=row.placement,
        target_type=row.target_type,
        target_id=str(row.target_id),
        bid_cents=row.bid_cents,
        daily_budget_cents=row.daily_budget_cents,
        currency=row.currency,
        creatives=[creative_message(creative) for creative in creatives],
    )
    message.created_at.FromDatetime(row.created_at)
    if row.starts_at is not None:
        message.starts_at.FromDatetime(row.starts_at)
    if row.ends_at is not None:
        message.ends_at.FromDatetime(row.ends_at)
    return message


def creative_message(row: Creative) -> messages.Creative:
    """Return a creative."""
    return messages.Creative(id=str(row.id), destination_url=row.destination_url, headline=row.headline, body=row.body)


def served_message(served: Served | None) -> messages.ServeAdResponse:
    """Return the winner, or an empty answer."""
    if served is None:
        return messages.ServeAdResponse()
    return messages.ServeAdResponse(
        ad_id=str(served.ad.id),
        request_id=served.request_id,
        creative=creative_message(served.creative),
        placement=served.ad.placement,
        target_type=served.ad.target_type,
        target_id=str(served.ad.target_id),
        view_token=served.view_token,
        click_token=served.click_token,
    )
