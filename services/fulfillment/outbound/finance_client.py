"""Tells finance about collected cash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import finance_internal_service_pb2 as messages
from marketmesh.finance.v1 import finance_internal_service_pb2_grpc as stubs
from marketmesh.finance.v1 import payment_pb2

if TYPE_CHECKING:
    import uuid

    from marketmesh.commerce.v1.order_pb2 import Order
    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


class FinanceClient:
    """Finance, as fulfillment needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.FinanceInternalServiceStub(channel.grpc)

    def collect(self, call: Call, *, order: Order, agent_user_id: uuid.UUID, amount_cents: int, currency: str) -> str:
        """See ports.Cash."""
        request = messages.CollectCashRequest(
            order_id=order.order_id,
            agent_user_id=str(agent_user_id),
            amount_cents=amount_cents,
            currency=currency,
            order_total_cents=order.total_cents,
            order_version=order.version,
        )
        intent = self._channel.call(self._stub.CollectCash, request, call=call)
        return payment_pb2.IntentStatus.Value.Name(intent.status)
