"""Asks commerce to move an order along its delivery."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import commerce_internal_service_pb2 as messages
from marketmesh.commerce.v1 import commerce_internal_service_pb2_grpc as stubs
from meshkit.grpc.channel import USUAL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketmesh.commerce.v1.order_pb2 import Order
    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


_SOON_SECONDS = 1.0


class CommerceClient:
    """Commerce, as fulfillment needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.CommerceInternalServiceStub(channel.grpc)

    def read(self, call: Call, order_id: uuid.UUID) -> Order:
        """See ports.Orders."""
        request = messages.GetOrderForDeliveryRequest(order_id=str(order_id))
        order: Order = self._channel.call(self._stub.GetOrderForDelivery, request, call=call)
        return order

    def read_many(self, call: Call, order_ids: Sequence[uuid.UUID], *, soon: bool) -> dict[uuid.UUID, Order]:
        """See ports.Orders."""
        request = messages.ListOrdersForDeliveryRequest(order_ids=list(map(str, order_ids)))
        timeout_s = _SOON_SECONDS if soon else USUAL_SECONDS
        answer = self._channel.call(self._stub.ListOrdersForDelivery, request, call=call, timeout_s=timeout_s)
        return {uuid.UUID(order.order_id): order for order in answer.orders}

    def advance(self, call: Call, order_id: uuid.UUID, *, step: str, agent_user_id: uuid.UUID) -> Order:
        """See ports.Orders."""
        request = messages.AdvanceDeliveryRequest(order_id=str(order_id), step=step, agent_user_id=str(agent_user_id))
        order: Order = self._channel.call(self._stub.AdvanceDelivery, request, call=call)
        return order
