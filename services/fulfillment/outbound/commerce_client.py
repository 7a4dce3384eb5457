"""Asks commerce to move an order along its delivery."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import commerce_internal_service_pb2 as messages
from marketmesh.commerce.v1 import commerce_internal_service_pb2_grpc as stubs
from marketmesh.commerce.v1 import order_pb2
from meshkit.grpc.channel import USUAL_SECONDS
from services.fulfillment.delivery.domain.order import Order, Steps
from services.fulfillment.outbound.ports import Goods

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


# A list without addresses is better than one that is late.
_SOON_SECONDS = 1.0


class CommerceClient:
    """Commerce, as fulfillment needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.CommerceInternalServiceStub(channel.grpc)

    def read(self, call: Call, order_id: uuid.UUID) -> Order:
        """Return an order as it is now."""
        request = messages.GetOrderForDeliveryRequest(order_id=str(order_id))
        return _order(self._channel.call(self._stub.GetOrderForDelivery, request, call=call))

    def read_goods(self, call: Call, order_ids: Sequence[uuid.UUID], *, soon: bool) -> dict[uuid.UUID, Goods]:
        """Return the goods of those of the orders that exist, by order id."""
        request = messages.ListOrdersForDeliveryRequest(order_ids=list(map(str, order_ids)))
        timeout_s = _SOON_SECONDS if soon else USUAL_SECONDS
        answer = self._channel.call(self._stub.ListOrdersForDelivery, request, call=call, timeout_s=timeout_s)
        return {uuid.UUID(order.order_id): _goods(order) for order in answer.orders}

    def advance(self, call: Call, order_id: uuid.UUID, *, step: str, agent_user_id: uuid.UUID) -> Order:
        """Move an order on."""
        request = messages.AdvanceDeliveryRequest(order_id=str(order_id), step=step, agent_user_id=str(agent_user_id))
        return _order(self._channel.call(self._stub.AdvanceDelivery, request, call=call))


def _order(order: order_pb2.Order) -> Order:
    return Order(
        order_id=uuid.UUID(order.order_id),
        version=order.version,
        status=order_pb2.OrderStatus.Value.Name(order.status) if order.status else "",
        hold_reason=order_pb2.HoldReason.Value.Name(order.hold_reason) if order.hold_reason else "",
        shipping_status=order_pb2.ShippingStatus.Value.Name(order.shipping_status) if order.shipping_status else "",
        total_cents=order.total_cents,
        steps=_steps(order.delivery_steps),
    )


def _steps(steps: order_pb2.DeliverySteps) -> Steps:
    return Steps(
        picked_up_by=uuid.UUID(steps.picked_up_by_user_id) if steps.picked_up_by_user_id else None,
        picked_up_at=steps.picked_up_at.ToDatetime(tzinfo=UTC) if steps.HasField("picked_up_at") else None,
        delivered_by=uuid.UUID(steps.delivered_by_user_id) if steps.delivered_by_user_id else None,
        delivered_at=steps.delivered_at.ToDatetime(tzinfo=UTC) if steps.HasField("delivered_at") else None,
    )


def _goods(order: order_pb2.Order) -> Goods:
    return Goods(
        discount_cents=order.discount_cents,
        due_cents=order.balance_due_cents,
        fulfillment_status=order_pb2.FulfillmentStatus.Value.Name(order.fulfillment_status),
        shipping_address=order.shipping_address,
        items=order.items,
        notes=order.notes,
    )
