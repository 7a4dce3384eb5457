"""Rows and results to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.ads.v1 import ad_service_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ads.campaigns.usecases.serve_ad import Served


def ad_message(row: Any, creatives: Sequence[Any]) -> messages.Ad:
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
    for name in ("starts_at", "ends_at", "created_at"):
        value = getattr(row, name)
        if value is not None:
            getattr(message, name).FromDatetime(value)
    return message


def creative_message(row: Any) -> messages.Creative:
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
