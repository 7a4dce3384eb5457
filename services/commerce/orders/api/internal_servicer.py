"""CommerceInternalService: what fulfillment and catalog ask."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import commerce_internal_service_pb2 as messages
from meshkit.ids import parse_id
from services.commerce.checkout.usecases.settle_checkouts import settle_checkouts
from services.commerce.orders.api import mapping
from services.commerce.orders.domain.order_state import Action
from services.commerce.orders.usecases.advance_delivery import advance_delivery
from services.commerce.orders.usecases.read_order import read_order, read_orders

if TYPE_CHECKING:
    from marketmesh.commerce.v1 import order_pb2
    from meshkit.db.tx import Tx


class CommerceInternalServicer:
    """Translates; the rules are in the use cases."""

    def GetOrderForDelivery(self, request: messages.GetOrderForDeliveryRequest, tx: Tx) -> order_pb2.Order:
        order_id = parse_id(request.order_id, field="order_id")
        order, lines = read_order(tx, order_id=order_id, party=None)
        return mapping.set_delivery_steps(mapping.order_message(order, lines), order)

    def ListOrdersForDelivery(
        self, request: messages.ListOrdersForDeliveryRequest, tx: Tx
    ) -> messages.ListOrdersForDeliveryResponse:
        found = read_orders(tx, [uuid.UUID(order_id) for order_id in request.order_ids])
        return messages.ListOrdersForDeliveryResponse(
            orders=[mapping.set_delivery_steps(mapping.order_message(order, lines), order) for order, lines in found]
        )

    def SettleCheckouts(self, request: messages.SettleCheckoutsRequest, tx: Tx) -> messages.SettleCheckoutsResponse:
        bought = settle_checkouts(tx, [uuid.UUID(group_id) for group_id in request.group_ids])
        return messages.SettleCheckoutsResponse(bought_group_ids=[str(group_id) for group_id in bought])

    def AdvanceDelivery(self, request: messages.AdvanceDeliveryRequest, tx: Tx) -> order_pb2.Order:
        step = Action(messages.DeliveryStep.Value.Name(request.step))
        order_id = parse_id(request.order_id, field="order_id")
        agent = parse_id(request.agent_user_id, field="agent_user_id")
        order, lines = advance_delivery(tx, order_id=order_id, step=step, agent_user_id=agent)
        return mapping.set_delivery_steps(mapping.order_message(order, lines), order)
