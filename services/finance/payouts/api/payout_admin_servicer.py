"""PayoutAdminService: payouts as transfers, holds of payouts, refunds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.finance.v1 import payout_batch_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.errors import ValidationError
from meshkit.ids import parse_id
from services.finance.ledger.domain.subject import order
from services.finance.payments.api.mapping import intent_message
from services.finance.payments.usecases.read_payment import read_payment_detail
from services.finance.payments.usecases.refund_payment import RefundRequest, credit_payment, refund_payment
from services.finance.payouts.api import mapping
from services.finance.payouts.domain.payout import PayoutSkip
from services.finance.payouts.usecases.approve_payout import approve_payout
from services.finance.payouts.usecases.hold_payout import hold_payout, release_payout
from services.finance.payouts.usecases.read_payouts import read_payout, read_payout_parts, read_payouts
from services.finance.payouts.usecases.reject_payout import reject_payout
from services.finance.payouts.usecases.return_payout import return_payout
from services.finance.payouts.usecases.run_payouts import run_payouts

if TYPE_CHECKING:
    from marketmesh.finance.v1 import payment_pb2
    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent
    from services.finance.payouts.domain.payout import PayoutTerms


@dataclass(frozen=True)
class PayoutAdminServicer:
    """Translates; the rules are in the use cases."""

    terms: PayoutTerms

    def RunPayouts(self, request: messages.RunPayoutsRequest, tx: Tx) -> messages.RunPayoutsResponse:
        if request.all_vendors == bool(request.vendor_store_id):
            raise ValidationError.of("vendor_store_id", "must be given, or all_vendors true instead of it")
        vendor = parse_id(request.vendor_store_id, field="vendor_store_id") if request.vendor_store_id else None
        run = run_payouts(tx, vendor_store_id=vendor, reference=request.reference, terms=self.terms)
        return messages.RunPayoutsResponse(
            payouts=[mapping.batch_message(payout) for payout in run.payouts],
            skipped=[
                messages.SkippedVendor(
                    vendor_store_id=str(share.vendor_store_id),
                    currency=share.currency,
                    amount_cents=int(share.amount_cents),
                    reason=PayoutSkip.BELOW_MINIMUM,
                )
                for share in run.skipped
            ],
            has_more=run.has_more,
        )

    def ListPayoutBatches(
        self, request: messages.ListPayoutBatchesRequest, tx: Tx
    ) -> messages.ListPayoutBatchesResponse:
        page = Page.of(request)
        status = messages.PayoutStatus.Value.Name(request.status) if request.status else ""
        rows, following = read_payouts(tx, status=status, page=page)
        return messages.ListPayoutBatchesResponse(
            items=[mapping.batch_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def GetPayoutBatch(self, request: messages.GetPayoutBatchRequest, tx: Tx) -> messages.PayoutBatch:
        payout_id = parse_id(request.payout_id, field="payout_id")
        payout = read_payout(tx, payout_id=payout_id)
        return mapping.batch_message(payout, *read_payout_parts(tx, payout_id=payout_id))

    def ApprovePayout(self, request: messages.ApprovePayoutRequest, tx: Tx) -> messages.PayoutBatch:
        payout_id = parse_id(request.payout_id, field="payout_id")
        payout = approve_payout(tx, payout_id=payout_id, reference=request.reference)
        return mapping.batch_message(payout, *read_payout_parts(tx, payout_id=payout_id))

    def RejectPayout(self, request: messages.RejectPayoutRequest, tx: Tx) -> messages.PayoutBatch:
        payout_id = parse_id(request.payout_id, field="payout_id")
        payout = reject_payout(tx, payout_id=payout_id, reason=request.reason)
        return mapping.batch_message(payout, *read_payout_parts(tx, payout_id=payout_id))

    def ReturnPayout(self, request: messages.ReturnPayoutRequest, tx: Tx) -> messages.PayoutBatch:
        payout_id = parse_id(request.payout_id, field="payout_id")
        payout = return_payout(tx, payout_id=payout_id, reason=request.reason)
        return mapping.batch_message(payout, *read_payout_parts(tx, payout_id=payout_id))

    def HoldPayout(self, request: messages.HoldPayoutRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        subject = order(parse_id(request.order_id, field="order_id"))
        return _payment(tx, hold_payout(tx, subject, reason=request.reason))

    def ReleasePayout(self, request: messages.ReleasePayoutRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        subject = order(parse_id(request.order_id, field="order_id"))
        return _payment(tx, release_payout(tx, subject, reason=request.reason))

    def RefundOrder(self, request: messages.RefundOrderRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        refund = RefundRequest(
            order(parse_id(request.order_id, field="order_id")),
            amount_cents=request.amount_cents,
            currency=request.currency,
            reason=request.reason,
        )
        return _payment(tx, refund_payment(tx, refund))

    def CreditOrder(self, request: messages.CreditOrderRequest, tx: Tx) -> payment_pb2.PaymentIntent:
        credit = RefundRequest(
            order(parse_id(request.order_id, field="order_id")),
            amount_cents=request.amount_cents,
            currency=request.currency,
            reason=request.reason,
        )
        return _payment(tx, credit_payment(tx, credit))


def _payment(tx: Tx, intent: Intent) -> payment_pb2.PaymentIntent:
    return intent_message(intent, read_payment_detail(tx, intent))
