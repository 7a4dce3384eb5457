"""FinanceAdminService: payouts and failed payments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.finance.v1 import payout_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.finance.ledger.domain.subject import order
from services.finance.payments.api.mapping import intent_message
from services.finance.payments.usecases.read_payment import read_payment_detail
from services.finance.payments.usecases.reopen_payment import reopen_payment
from services.finance.payouts.api import mapping
from services.finance.payouts.usecases.confirm_payout import confirm_payout
from services.finance.payouts.usecases.read_payouts import read_due_payout, read_due_payouts

if TYPE_CHECKING:
    from marketmesh.finance.v1 import payment_pb2
    from meshkit.db.tx import Tx
    from services.finance.payouts.domain.payout import PayoutTerms


@dataclass(frozen=True)
class FinanceAdminServicer:
    """Translates; the rules are in the use cases."""

    terms: PayoutTerms

    def GetPayout(self, request: messages.GetPayoutRequest, tx: Tx) -> messages.PayoutDetail:
        intent, detail = read_due_payout(tx, order(parse_id(request.order_id, field="order_id")))
        return messages.PayoutDetail(payout=mapping.payout_message(intent), payment=intent_message(intent, detail))

    def ListPayouts(self, request: messages.ListPayoutsRequest, tx: Tx) -> messages.ListPayoutsResponse:
        page = Page.of(request)
        rows, following = read_due_payouts(tx, page=page, terms=self.terms)
        return messages.ListPayoutsResponse(
            items=[mapping.payout_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def ConfirmPayout(self, request: messages.ConfirmPayoutRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        subject = order(parse_id(request.order_id, field="order_id"))
        intent = confirm_payout(tx, subject, reference=request.reference, terms=self.terms)
        return intent_message(intent, read_payment_detail(tx, intent))

    def ReopenPayment(self, request: messages.ReopenPaymentRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        subject = order(parse_id(request.order_id, field="order_id"))
        intent = reopen_payment(tx, subject, reason=request.reason)
        return intent_message(intent, read_payment_detail(tx, intent))
