"""Rows to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.finance.v1 import payment_pb2, payout_service_pb2

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp


def intent_message(row: Any) -> payment_pb2.PaymentIntent:
    """Return a payment intent."""
    message = payment_pb2.PaymentIntent(
        id=str(row.id),
        order_id=str(row.order_id),
        buyer_store_id=str(row.buyer_store_id),
        vendor_store_id=str(row.vendor_store_id),
        method=row.method,
        status=row.status,
        amount_cents=row.amount_cents,
        fee_cents=row.fee_cents,
        currency=row.currency,
        failure_reason=row.failure_reason,
    )
    _set_time(message.cash_collected_at, row.cash_collected_at)
    _set_time(message.vendor_paid_at, row.vendor_paid_at)
    _set_time(message.created_at, row.created_at)
    return message


def payout_message(row: Any) -> payout_service_pb2.Payout:
    """Return one row of the payout queue."""
    message = payout_service_pb2.Payout(
        order_id=str(row.order_id),
        order_number=row.order_number,
        vendor_store_id=str(row.vendor_store_id),
        vendor_store_name=row.vendor_store_name,
        amount_cents=row.amount_cents - row.fee_cents,
        fee_cents=row.fee_cents,
        currency=row.currency,
    )
    _set_time(message.delivered_at, row.delivered_at)
    return message


def _set_time(target: Timestamp, value: datetime | None) -> None:
    if value is not None:
        target.FromDatetime(value)
