"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import payment_pb2
from meshkit.messages import set_time

if TYPE_CHECKING:
    from services.finance.payments.domain.intent import Intent, IntentDetail


def intent_message(row: Intent, detail: IntentDetail) -> payment_pb2.PaymentIntent:
    """Return an order's payment intent."""
    message = payment_pb2.PaymentIntent(
        id=str(row.id),
        order_id=str(row.subject_id),
        buyer_store_id=str(row.buyer_store_id),
        vendor_store_id=str(row.vendor_store_id),
        method=row.method,
        status=row.status,
        amount_cents=row.amount_cents,
        fee_cents=row.fee_cents,
        currency=row.currency,
        failure_reason=row.failure_reason,
        payout_id=str(row.payout_id or ""),
        payout_hold_reason=detail.payout_hold_reason,
        refunded_cents=row.refunded_cents,
        refunded_fee_cents=row.refunded_fee_cents,
        credited_cents=row.credited_cents,
        collected_by_user_id=str(detail.collected_by_user_id or ""),
        hand_in_id=str(detail.hand_in_id or ""),
        cash_mismatch_id=str(detail.cash_mismatch_id or ""),
    )
    set_time(message.cash_collected_at, detail.cash_collected_at)
    set_time(message.vendor_paid_at, row.vendor_paid_at)
    set_time(message.payout_returned_at, row.payout_returned_at)
    set_time(message.cash_counted_at, detail.cash_counted_at)
    set_time(message.created_at, row.created_at)
    return message
