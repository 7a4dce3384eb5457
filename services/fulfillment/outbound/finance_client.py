"""Has finance record collected cash."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.finance.v1 import finance_internal_service_pb2 as messages
from marketmesh.finance.v1 import finance_internal_service_pb2_grpc as stubs
from marketmesh.finance.v1 import payment_pb2
from services.fulfillment.outbound.ports import Payment

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.grpc.channel import Channel
    from services.fulfillment.delivery.domain.order import Order


class FinanceClient:
    """Finance, as fulfillment needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.FinanceInternalServiceStub(channel.grpc)

    def read(self, call: Call, order_id: uuid.UUID) -> Payment:
        """Return an order's payment as it is now."""
        request = messages.GetPaymentRequest(order_id=str(order_id))
        return _payment(self._channel.call(self._stub.GetPayment, request, call=call))

    def collect(
        self, call: Call, *, order: Order, agent_user_id: uuid.UUID, amount_cents: int, currency: str
    ) -> Payment:
        """Post collected cash, once; returns the payment."""
        request = messages.CollectCashRequest(
            order_id=str(order.order_id),
            agent_user_id=str(agent_user_id),
            amount_cents=amount_cents,
            currency=currency,
            order_total_cents=order.total_cents,
            order_version=order.version,
        )
        return _payment(self._channel.call(self._stub.CollectCash, request, call=call))


def _payment(intent: payment_pb2.PaymentIntent) -> Payment:
    is_collected = intent.HasField("cash_collected_at")
    return Payment(
        status=payment_pb2.IntentStatus.Value.Name(intent.status),
        collected_at=intent.cash_collected_at.ToDatetime(tzinfo=UTC) if is_collected else None,
        collected_by=uuid.UUID(intent.collected_by_user_id) if intent.collected_by_user_id else None,
    )
