"""Refund a part of what was paid, or let the buyer pay less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import ValidationError
from services.finance.errors import CreditNotPossible, PayoutStateInvalid, RefundTooLarge
from services.finance.ledger.domain.ledger import Refund, refund
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentStatus, due_cents, fee_of_refund
from services.finance.payments.usecases.lock_payment import lock_payment
from services.finance.payments.usecases.settle_nothing import settle_nothing

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent

_COLLECTED = {IntentStatus.SETTLED, IntentStatus.PAID}
_CREDITABLE = {IntentStatus.UNPAID, IntentStatus.PENDING, IntentStatus.FAILED}


@dataclass(frozen=True)
class RefundRequest:
    """What the buyer is to get back, or need not pay, and why."""

    subject: Subject
    amount_cents: int
    currency: str
    reason: str


def refund_payment(tx: Tx, request: RefundRequest) -> Intent:
    """Post the refund; returns the intent.

    Raises NotFound, ValidationError for another currency, RefundTooLarge, PayoutStateInvalid while a payout waits.
    """
    intent = _lock(tx, request)
    refundable = intent.amount_cents - intent.refunded_cents if intent.status in _COLLECTED else 0
    if request.amount_cents > refundable:
        raise RefundTooLarge(refundable_cents=str(refundable), payment_status=intent.status)
    is_paid_out = intent.status == IntentStatus.PAID
    if intent.payout_id is not None and not is_paid_out:
        raise PayoutStateInvalid(state="awaiting_approval")
    return _post_refund(tx, intent, request, is_paid_out=is_paid_out)


def credit_payment(tx: Tx, request: RefundRequest) -> Intent:
    """Let the buyer of what is delivered pay less; returns the intent, settled if nothing is left to pay.

    Raises NotFound, ValidationError for another currency, CreditNotPossible.
    """
    intent = _lock(tx, request)
    may = intent.delivered_at is not None and IntentStatus(intent.status) in _CREDITABLE
    due = due_cents(intent) if may else 0
    if request.amount_cents > due:
        raise CreditNotPossible(order_status=intent.subject_status, payment_status=intent.status, due_cents=str(due))
    return settle_nothing(tx, _post_refund(tx, intent, request, is_credit=True))


def _lock(tx: Tx, request: RefundRequest) -> Intent:
    intent = lock_payment(tx, request.subject)
    if request.currency != intent.currency:
        raise ValidationError.of("currency", f"must be the order's currency, {intent.currency}")
    return intent


def _post_refund(
    tx: Tx, intent: Intent, request: RefundRequest, *, is_paid_out: bool = False, is_credit: bool = False
) -> Intent:
    """Post what the buyer is owed or need not pay, and announce it; returns the intent."""
    fee = fee_of_refund(
        amount_cents=request.amount_cents,
        refunded_cents=intent.refunded_cents,
        refunded_fee_cents=intent.refunded_fee_cents,
        fee_basis_points=intent.fee_basis_points,
    )
    given = Refund(
        subject=intent.subject,
        buyer_id=intent.buyer_store_id,
        vendor_id=intent.vendor_store_id,
        amount_cents=request.amount_cents,
        fee_cents=fee,
        currency=intent.currency,
        is_paid_out=is_paid_out,
        is_credit=is_credit,
    )
    post_entries(
        tx,
        [
            NewEntry(
                refund(given),
                buyer_store_id=intent.buyer_store_id,
                vendor_store_id=intent.vendor_store_id,
                reference=request.reason,
            )
        ],
    )
    after = intents.change(
        tx,
        intent.id,
        refunded_cents=intent.refunded_cents + request.amount_cents,
        refunded_fee_cents=intent.refunded_fee_cents + fee,
        payable_refunded_cents=intent.payable_refunded_cents + (0 if is_paid_out else request.amount_cents - fee),
        credited_cents=intent.credited_cents + (request.amount_cents if is_credit else 0),
    )
    tx.audit(
        target=intent.subject_id,
        before={"refunded_cents": intent.refunded_cents, "credited_cents": intent.credited_cents},
        after={
            "refunded_cents": after.refunded_cents,
            "credited_cents": after.credited_cents,
            "reason": request.reason,
        },
    )
    tx.emit(_event(after, request, is_credit=is_credit))
    return after


def _event(intent: Intent, request: RefundRequest, *, is_credit: bool) -> events.PaymentRefunded:
    return events.PaymentRefunded(
        order_id=str(intent.subject_id),
        payment_intent_id=str(intent.id),
        buyer_store_id=str(intent.buyer_store_id),
        vendor_store_id=str(intent.vendor_store_id),
        amount_cents=request.amount_cents,
        refunded_cents=intent.refunded_cents,
        currency=intent.currency,
        reason=request.reason,
        order_number=intent.subject_number,
        credited_cents=intent.credited_cents,
        is_credit=is_credit,
    )
