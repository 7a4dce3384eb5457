"""Asks catalog whose a product is."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as messages
from marketmesh.catalog.v1 import catalog_internal_service_pb2_grpc as stubs

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


class CatalogClient:
    """Catalog, as ads needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.CatalogInternalServiceStub(channel.grpc)  # type: ignore[no-untyped-call]

    def owner_of(self, call: Call, product_id: uuid.UUID) -> uuid.UUID | None:
        """See ports.Products."""
        request = messages.GetQuoteFactsRequest(product_ids=[str(product_id)])
        answer = self._channel.call(self._stub.GetQuoteFacts, request, call=call)
        owners = {uuid.UUID(item.product_id): uuid.UUID(item.vendor_store_id) for item in answer.products}
        return owners.get(product_id)
