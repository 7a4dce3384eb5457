"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.catalog.v1 import (
    catalog_internal_service_pb2,
    product_service_pb2,
)

if TYPE_CHECKING:
    from services.catalog.products.domain.quoted import QuotedPromo


def promo_message(row: Any) -> product_service_pb2.Promo:
    """Return a promo code."""
    message = product_service_pb2.Promo(
        id=str(row.id),
        vendor_store_id=str(row.store_id),
        code=row.code,
        amount_cents=row.amount_cents,
        currency=row.currency,
        is_active=row.is_active,
    )
    message.created_at.FromDatetime(row.created_at)
    return message


def quote_promo_message(promo: QuotedPromo) -> catalog_internal_service_pb2.QuotePromo:
    """Return what a quote needs of a promo code."""
    return catalog_internal_service_pb2.QuotePromo(
        vendor_store_id=str(promo.store_id),
        code=promo.code,
        amount_cents=promo.amount_cents,
        asked_code=promo.asked,
    )
