"""AgentService: what delivery agents do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.fulfillment.api import mapping
from services.fulfillment.flows.advance_delivery import advance_delivery
from services.fulfillment.flows.collect_cash import Collection, collect_cash
from services.fulfillment.usecases.read_deliveries import read_my_deliveries, read_my_delivery, read_queue

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from marketmesh.fulfillment.v1 import delivery_service_pb2 as messages
    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Cash, Orders


@dataclass(frozen=True)
class AgentServicer:
    """Translates; the rules are in the use cases."""

    orders: Orders
    cash: Cash

    def ListQueue(self, request: messages.ListQueueRequest, tx: Tx) -> messages.ListDeliveriesResponse:
        """See the contract."""
        page = Page.of(request)
        rows, following = read_queue(tx, page=page)
        return mapping.deliveries_message(rows, page, current=request.cursor, following=following)

    def ListMyDeliveries(self, request: messages.ListMyDeliveriesRequest, tx: Tx) -> messages.ListDeliveriesResponse:
        """See the contract."""
        page = Page.of(request)
        rows, following = read_my_deliveries(tx, page=page)
        return mapping.deliveries_message(rows, page, current=request.cursor, following=following)

    def GetDelivery(self, request: messages.GetDeliveryRequest, tx: Tx) -> messages.Delivery:
        """See the contract."""
        return mapping.delivery_message(read_my_delivery(tx, order_id=parse_id(request.order_id, field="order_id")))

    def PickUp(self, request: messages.PickUpRequest, flow: Flow) -> Message:
        """See the contract."""
        return self._advance(flow, request.order_id, "pickup")

    def Deliver(self, request: messages.DeliverRequest, flow: Flow) -> Message:
        """See the contract."""
        return self._advance(flow, request.order_id, "deliver")

    def CollectCash(self, request: messages.CollectCashRequest, flow: Flow) -> Message:
        """See the contract."""
        collection = Collection(
            order_id=parse_id(request.order_id, field="order_id"),
            amount_cents=request.amount_cents,
            currency=request.currency,
        )
        return collect_cash(flow, collection, orders=self.orders, cash=self.cash, respond=mapping.delivery_message)

    def _advance(self, flow: Flow, order_id: str, step: str) -> Message:
        return advance_delivery(
            flow,
            order_id=parse_id(order_id, field="order_id"),
            step=step,
            orders=self.orders,
            respond=mapping.delivery_message,
        )
