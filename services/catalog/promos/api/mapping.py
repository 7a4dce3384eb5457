"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import (
    catalog_internal_service_pb2,
    product_service_pb2,
)

if TYPE_CHECKING:
    from services.catalog.products.domain.quoted import QuotedPromo
    from services.catalog.promos.data.promos import Promo


def promo_message(promo: Promo) -> product_service_pb2.Promo:
    """Return a promo code."""
    message = product_service_pb2.Promo(
        id=str(promo.id),
        vendor_store_id=str(promo.store_id),
        code=promo.code,
        amount_cents=promo.amount_cents,
        currency=promo.currency,
        is_active=promo.is_active,
    )
    message.created_at.FromDatetime(promo.created_at)
    return message


def quote_promo_message(promo: QuotedPromo) -> catalog_internal_service_pb2.QuotePromo:
    """Return what a quote needs of a promo code."""
    return catalog_internal_service_pb2.QuotePromo(
        vendor_store_id=str(promo.store_id),
        code=promo.code,
        amount_cents=promo.amount_cents,
        asked_code=promo.asked,
    )
