"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import (
    earnings_service_pb2,
    payout_service_pb2,
)
from marketmesh.finance.v1 import payout_batch_service_pb2 as batches
from meshkit.messages import set_time
from services.finance.payments.domain.intent import earned_cents, net_cents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.finance.payments.domain.intent import Intent, VendorTotals
    from services.finance.payouts.data.payouts import Payout, PayoutDecision, PayoutItem


def payout_message(row: Intent) -> payout_service_pb2.Payout:
    """Return one row of the payout queue."""
    message = payout_service_pb2.Payout(
        order_id=str(row.subject_id),
        order_number=row.subject_number,
        vendor_store_id=str(row.vendor_store_id),
        vendor_store_name=row.vendor_store_name,
        amount_cents=net_cents(row),
        fee_cents=row.fee_cents,
        currency=row.currency,
    )
    set_time(message.delivered_at, row.delivered_at)
    return message


def batch_message(
    row: Payout, items: Sequence[PayoutItem] = (), decisions: Sequence[PayoutDecision] = ()
) -> batches.PayoutBatch:
    """Return a payout, with its parts if they are given."""
    message = batches.PayoutBatch(
        payout_id=str(row.id),
        vendor_store_id=str(row.vendor_store_id),
        vendor_store_name=row.vendor_store_name,
        status=row.status,
        currency=row.currency,
        gross_cents=row.gross_cents,
        netted_cents=row.netted_cents,
        amount_cents=row.gross_cents - row.netted_cents,
        reference=row.reference,
        items=[
            batches.PayoutItem(
                order_id=str(item.order_id), order_number=item.order_number, amount_cents=item.amount_cents
            )
            for item in items
        ],
    )
    set_time(message.created_at, row.created_at)
    set_time(message.paid_at, row.paid_at)
    for decision in decisions:
        step = message.decisions.add(user_id=str(decision.user_id), decision=decision.decision, reason=decision.reason)
        set_time(step.decided_at, decision.decided_at)
    return message


def earning_message(row: Intent) -> earnings_service_pb2.Earning:
    """Return what a vendor gets for an order."""
    message = earnings_service_pb2.Earning(
        order_id=str(row.subject_id),
        order_number=row.subject_number,
        payment_status=row.status,
        currency=row.currency,
        amount_cents=row.amount_cents,
        fee_cents=row.fee_cents,
        refunded_cents=row.refunded_cents,
        refunded_fee_cents=row.refunded_fee_cents,
        net_cents=earned_cents(row),
        payout_id=str(row.payout_id or ""),
    )
    set_time(message.delivered_at, row.delivered_at)
    set_time(message.vendor_paid_at, row.vendor_paid_at)
    set_time(message.created_at, row.created_at)
    return message


def earning_totals_message(row: VendorTotals) -> earnings_service_pb2.EarningTotals:
    """Return what a vendor earns in a currency."""
    return earnings_service_pb2.EarningTotals(
        currency=row.currency,
        orders=row.orders,
        net_cents=row.paid_cents + row.due_cents + row.open_cents,
        paid_cents=row.paid_cents,
        due_cents=row.due_cents,
        open_cents=row.open_cents,
    )
