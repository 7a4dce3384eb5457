"""FulfillmentAdminService: what administrators do with deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import parse_id
from services.fulfillment.delivery.api import mapping
from services.fulfillment.delivery.usecases.assign_agent import assign_agent
from services.fulfillment.delivery.usecases.correct_delivery import correct_delivery
from services.fulfillment.delivery.usecases.read_order_delivery import read_order_delivery
from services.fulfillment.delivery.usecases.reset_delivery_code import reset_delivery_code

if TYPE_CHECKING:
    from marketmesh.fulfillment.v1 import admin_service_pb2, delivery_service_pb2
    from meshkit.db.tx import Tx


class FulfillmentAdminServicer:
    """Translates; the rules are in the use cases."""

    def AssignAgent(self, request: admin_service_pb2.AssignAgentRequest, tx: Tx) -> delivery_service_pb2.Delivery:
        delivery = assign_agent(
            tx,
            order_id=parse_id(request.order_id, field="order_id"),
            agent_user_id=parse_id(request.agent_user_id, field="agent_user_id"),
            reason=request.reason,
        )
        return mapping.delivery_message(delivery)

    def CorrectDelivery(
        self, request: admin_service_pb2.CorrectDeliveryRequest, tx: Tx
    ) -> admin_service_pb2.OrderDelivery:
        order_id = parse_id(request.order_id, field="order_id")
        agent = parse_id(request.agent_user_id, field="agent_user_id")
        correct_delivery(tx, order_id=order_id, agent_user_id=agent, reason=request.reason)
        return mapping.order_delivery_message(*read_order_delivery(tx, order_id=order_id))

    def GetOrderDelivery(
        self, request: admin_service_pb2.GetOrderDeliveryRequest, tx: Tx
    ) -> admin_service_pb2.OrderDelivery:
        order_id = parse_id(request.order_id, field="order_id")
        return mapping.order_delivery_message(*read_order_delivery(tx, order_id=order_id))

    def ResetDeliveryCode(
        self, request: admin_service_pb2.ResetDeliveryCodeRequest, tx: Tx
    ) -> admin_service_pb2.OrderDelivery:
        order_id = parse_id(request.order_id, field="order_id")
        reset_delivery_code(tx, order_id=order_id, reason=request.reason)
        return mapping.order_delivery_message(*read_order_delivery(tx, order_id=order_id))
