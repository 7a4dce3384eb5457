"""Asks catalog for quote facts and for stock."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as messages
from marketmesh.catalog.v1 import catalog_internal_service_pb2_grpc as stubs
from marketmesh.catalog.v1 import product_pb2
from services.commerce.cart.domain.quote import ProductFacts, Promo, PromoCode
from services.commerce.outbound.ports import CatalogFacts, StockLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


class CatalogClient:
    """Catalog, as commerce needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.CatalogInternalServiceStub(channel.grpc)  # type: ignore[no-untyped-call]

    def quote_facts(self, call: Call, *, product_ids: Iterable[uuid.UUID], promos: Iterable[PromoCode]) -> CatalogFacts:
        """Return everything a quote needs in one call. Raises DependencyUnavailable."""
        request = messages.GetQuoteFactsRequest(
            product_ids=list(map(str, product_ids)),
            promos=[messages.PromoRef(vendor_store_id=str(promo.vendor_store_id), code=promo.code) for promo in promos],
        )
        answer = self._channel.call(self._stub.GetQuoteFacts, request, call=call)
        products = map(_product, answer.products)
        return CatalogFacts(
            {product.product_id: product for product in products},
            {
                PromoCode(uuid.UUID(promo.vendor_store_id), promo.asked_code or promo.code): Promo(
                    promo.code, promo.amount_cents
                )
                for promo in answer.promos
            },
        )

    def reserve(
        self, call: Call, *, group_id: uuid.UUID, lines: Sequence[StockLine], expires_in_s: int
    ) -> dict[uuid.UUID, str]:
        """Reserve what fits; returns the refused lines with their reasons. Raises DependencyUnavailable."""
        request = messages.ReserveRequest(
            group_id=str(group_id),
            lines=[
                messages.ReserveLine(
                    line_id=str(line.line_id),
                    order_id=str(line.order_id),
                    product_id=str(line.product_id),
                    quantity=line.quantity,
                )
                for line in lines
            ],
            expires_in_s=expires_in_s,
        )
        answer = self._channel.call(self._stub.Reserve, request, call=call)
        outcomes = {uuid.UUID(outcome.line_id): outcome for outcome in answer.lines}
        # A line that catalog says nothing about is not reserved.
        return {
            line.line_id: outcome.reason if (outcome := outcomes.get(line.line_id)) else "not_available"
            for line in lines
            if not (line.line_id in outcomes and outcomes[line.line_id].reserved)
        }

    def release(self, call: Call, *, group_id: uuid.UUID) -> None:
        """Give a group's reserved stock back. Raises DependencyUnavailable."""
        self._channel.call(self._stub.ReleaseGroup, messages.ReleaseGroupRequest(group_id=str(group_id)), call=call)


def _product(message: messages.QuoteProduct) -> ProductFacts:
    return ProductFacts(
        product_id=uuid.UUID(message.product_id),
        vendor_store_id=uuid.UUID(message.vendor_store_id),
        sku=message.sku,
        title=message.title,
        category=_word(product_pb2.Category, message.category),
        classification=_word(product_pb2.Classification, message.classification),
        strain=message.strain,
        unit=_word(product_pb2.Unit, message.unit),
        moq=message.moq,
        max_qty=message.max_qty,
        price_cents=message.price_cents,
        currency=message.currency,
        is_active=message.is_active,
        available_qty=message.available_qty,
        tiers=tuple((tier.min_qty, tier.discount_percent) for tier in message.volume_discounts),
        thumbnail_media_id=uuid.UUID(message.thumbnail_media_id) if message.thumbnail_media_id else None,
    )


def _word(enum: type, value: int) -> str:
    return str(enum.Value.Name(value)) if value else ""  # type: ignore[attr-defined]
