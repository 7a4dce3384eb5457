"""What fulfillment does about the events of identity, commerce and finance."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING, TypeAlias

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.events.registry import Consumer
from services.fulfillment.delivery.domain.order import NewDelivery, Order, Steps, count_items
from services.fulfillment.delivery.usecases.add_agent import add_agent
from services.fulfillment.delivery.usecases.follow_order import follow_order
from services.fulfillment.delivery.usecases.follow_payment import follow_payment
from services.fulfillment.delivery.usecases.open_delivery import open_delivery
from services.fulfillment.delivery.usecases.record_collection import Collected

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

OrderEvent: TypeAlias = commerce.OrderStateChanged | commerce.OrderDecided | commerce.OrderCanceled
PaymentEvent: TypeAlias = (
    finance.CashCollected | finance.PaymentFailed | finance.PaymentReopened | finance.OrderPaid | finance.PayoutReturned
)
_PAYMENT_STATUS: dict[type[PaymentEvent], str] = {
    finance.CashCollected: "settled",
    finance.PaymentFailed: "failed",
    finance.PaymentReopened: "unpaid",
    finance.OrderPaid: "paid",
    finance.PayoutReturned: "settled",
}


def consumers() -> tuple[Consumer, ...]:
    """Return fulfillment's consumers."""
    people = Consumer("fulfillment", "identity.user.v1").on(identity.AgentCreated, agent_created)
    orders = (
        Consumer("fulfillment", "commerce.order.v1")
        .on(commerce.OrderReadyForDispatch, order_ready_for_dispatch)
        .on(commerce.OrderStateChanged, order_changed)
        .on(commerce.OrderDecided, order_changed)
        .on(commerce.OrderCanceled, order_changed)
    )
    payments = Consumer("fulfillment", "finance.payment.v1")
    for event in _PAYMENT_STATUS:
        payments.on(event, payment_changed)
    return people, orders, payments


def agent_created(tx: Tx, event: identity.AgentCreated) -> None:
    """Take a new agent in."""
    add_agent(tx, user_id=uuid.UUID(event.user_id))


def order_ready_for_dispatch(tx: Tx, event: commerce.OrderReadyForDispatch) -> None:
    """Take a dispatchable order in."""
    order = event.order
    new = NewDelivery(
        order=_order(order),
        order_number=order.order_number,
        payment_method=order.payment_method,
        currency=order.currency,
        total_items=count_items((line.status, line.qty) for line in order.lines),
        buyer_store_id=uuid.UUID(order.buyer_store_id),
        buyer_store_name=order.buyer_store_name,
        vendor_store_id=uuid.UUID(order.vendor_store_id),
        vendor_store_name=order.vendor_store_name,
        created_at=order.created_at.ToDatetime(tzinfo=UTC),
    )
    open_delivery(tx, new)


def order_changed(tx: Tx, event: OrderEvent) -> None:
    """Follow any later change of an order."""
    follow_order(tx, _order(event.order))


def payment_changed(tx: Tx, event: PaymentEvent) -> None:
    """Follow the payment of an order."""
    collected = None
    if isinstance(event, finance.CashCollected) and event.agent_user_id:
        at = event.cash_collected_at.ToDatetime(tzinfo=UTC)
        collected = Collected(uuid.UUID(event.agent_user_id), at)
    follow_payment(
        tx,
        order_id=uuid.UUID(event.order_id),
        payment_status=_PAYMENT_STATUS[type(event)],
        collected=collected,
    )


def _order(order: commerce.OrderSnapshot) -> Order:
    return Order(
        order_id=uuid.UUID(order.order_id),
        version=order.version,
        status=order.status,
        hold_reason=order.hold_reason,
        shipping_status=order.shipping_status,
        total_cents=order.total_cents,
        steps=Steps(
            picked_up_by=uuid.UUID(order.picked_up_by_user_id) if order.picked_up_by_user_id else None,
            picked_up_at=order.picked_up_at.ToDatetime(tzinfo=UTC) if order.HasField("picked_up_at") else None,
            delivered_by=uuid.UUID(order.delivered_by_user_id) if order.delivered_by_user_id else None,
            delivered_at=order.delivered_at.ToDatetime(tzinfo=UTC) if order.HasField("delivered_at") else None,
        ),
    )
