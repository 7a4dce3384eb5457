"""What analytics does with the market's events: each becomes one warehouse row."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from meshkit.events.registry import Consumer
from services.analytics.warehouse.usecases.record_checkout import record_checkout
from services.analytics.warehouse.usecases.record_orders import record_orders
from services.analytics.warehouse.usecases.record_payment import record_payment

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def consumers() -> tuple[Consumer, ...]:
    """Return analytics' consumers."""
    orders = (
        Consumer("analytics", "commerce.order.v1")
        .on_batch(
            commerce.OrderCreated,
            lambda tx, events: record_orders(tx, (event.order for event in events), event_type="order_created"),
        )
        .on_batch(
            commerce.OrderDecided,
            lambda tx, events: record_orders(tx, (event.order for event in events), event_type="order_decided"),
        )
        .on_batch(
            commerce.OrderCanceled,
            lambda tx, events: record_orders(tx, (event.order for event in events), event_type="order_canceled"),
        )
        .on_batch(
            commerce.OrderExpired,
            lambda tx, events: record_orders(tx, (event.order for event in events), event_type="order_expired"),
        )
    )
    payments = (
        Consumer("analytics", "finance.payment.v1")
        .on(finance.CashCollected, cash_collected)
        .on(finance.OrderPaid, order_paid)
    )
    checkouts = Consumer("analytics", "commerce.checkout.v1").on(commerce.CheckoutConverted, record_checkout)
    return orders, payments, checkouts


def cash_collected(tx: Tx, event: finance.CashCollected) -> None:
    """Record collected cash."""
    record_payment(
        tx,
        event_type="cash_collected",
        order_id=event.order_id,
        buyer_store_id=event.buyer_store_id,
        vendor_store_id=event.vendor_store_id,
        amount_cents=event.amount_cents,
        currency=event.currency,
        paid_at=event.cash_collected_at.ToDatetime(tzinfo=UTC),
    )


def order_paid(tx: Tx, event: finance.OrderPaid) -> None:
    """Record a paid-out order."""
    record_payment(
        tx,
        event_type="order_paid",
        order_id=event.order_id,
        buyer_store_id=event.buyer_store_id,
        vendor_store_id=event.vendor_store_id,
        amount_cents=event.amount_cents,
        currency=event.currency,
        paid_at=event.vendor_paid_at.ToDatetime(tzinfo=UTC),
    )
