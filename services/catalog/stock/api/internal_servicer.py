"""CatalogInternalService: what commerce asks of catalog."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as messages
from meshkit.ids import parse_id
from services.catalog.products.api.mapping import quote_product_message
from services.catalog.products.usecases.read_quote_facts import read_quote_facts
from services.catalog.promos.api.mapping import quote_promo_message
from services.catalog.stock.api import mapping
from services.catalog.stock.domain.reservations import Line
from services.catalog.stock.usecases.release_group import release_group
from services.catalog.stock.usecases.reserve_stock import reserve_stock

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class CatalogInternalServicer:
    """Translates; the rules are in the use cases."""

    def GetQuoteFacts(self, request: messages.GetQuoteFactsRequest, tx: Tx) -> messages.GetQuoteFactsResponse:
        facts = read_quote_facts(
            tx,
            product_ids=[parse_id(value, field="product_ids") for value in request.product_ids],
            promo_codes=[(parse_id(ref.vendor_store_id, field="promos"), ref.code) for ref in request.promos],
        )
        return messages.GetQuoteFactsResponse(
            products=[quote_product_message(product) for product in facts.products],
            promos=[quote_promo_message(promo) for promo in facts.promos],
        )

    def Reserve(self, request: messages.ReserveRequest, tx: Tx) -> messages.ReserveResponse:
        # The contract has checked that these are ids.
        lines = [
            Line(uuid.UUID(line.line_id), uuid.UUID(line.order_id), uuid.UUID(line.product_id), line.quantity)
            for line in request.lines
        ]
        outcomes = reserve_stock(
            tx, group_id=uuid.UUID(request.group_id), lines=lines, expires_in=timedelta(seconds=request.expires_in_s)
        )
        return messages.ReserveResponse(lines=[mapping.outcome_message(outcome) for outcome in outcomes])

    def ReleaseGroup(self, request: messages.ReleaseGroupRequest, tx: Tx) -> messages.ReleaseGroupResponse:
        return messages.ReleaseGroupResponse(
            released=release_group(tx, group_id=parse_id(request.group_id, field="group_id"))
        )
