"""FinanceInternalService: what other services ask of finance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import parse_id
from services.finance.cash.usecases.collect_cash import CashCount, collect_cash
from services.finance.ledger.domain.subject import order
from services.finance.payments.api import mapping
from services.finance.payments.usecases.read_payment import read_payment, read_payment_detail

if TYPE_CHECKING:
    from marketmesh.finance.v1 import finance_internal_service_pb2 as messages
    from marketmesh.finance.v1 import payment_pb2
    from meshkit.db.tx import Tx


class FinanceInternalServicer:
    """Translates; the rules are in the use cases."""

    def GetPayment(self, request: messages.GetPaymentRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        intent = read_payment(tx, order(parse_id(request.order_id, field="order_id")))
        return mapping.intent_message(intent, read_payment_detail(tx, intent))

    def CollectCash(self, request: messages.CollectCashRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        count = CashCount(
            order_id=parse_id(request.order_id, field="order_id"),
            agent_id=parse_id(request.agent_user_id, field="agent_user_id"),
            amount_cents=request.amount_cents,
            currency=request.currency,
            order_total_cents=request.order_total_cents,
            order_version=request.order_version,
        )
        intent = collect_cash(tx, count)
        return mapping.intent_message(intent, read_payment_detail(tx, intent))
