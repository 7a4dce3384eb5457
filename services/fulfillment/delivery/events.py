"""What fulfillment does when others report something."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.events.registry import Consumer
from services.fulfillment.delivery.usecases.follow_order import follow_order, open_delivery
from services.fulfillment.delivery.usecases.follow_payment import Collected, follow_payment
from services.fulfillment.delivery.usecases.track_agents import add_agent

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

_PAYMENT_STATUS = {
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
    open_delivery(tx, event.order)


def order_changed(tx: Tx, event: Any) -> None:
    """Follow any later change of an order."""
    follow_order(tx, event.order)


def payment_changed(tx: Tx, event: Any) -> None:
    """Follow the payment of an order."""
    collected = None
    if isinstance(event, finance.CashCollected) and event.agent_user_id:
        at = event.cash_collected_at.ToDatetime(tzinfo=tx.now.tzinfo)
        collected = Collected(uuid.UUID(event.agent_user_id), at)
    follow_payment(
        tx,
        order_id=uuid.UUID(event.order_id),
        payment_status=_PAYMENT_STATUS[type(event)],
        collected=collected,
    )
