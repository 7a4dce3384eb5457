"""What identity does when others report something: it tells the people concerned."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from marketmesh.catalog.events.v1 import catalog_events_pb2 as catalog
from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from meshkit.events.registry import Consumer
from services.identity.notifications.domain.notice import Notice, money_text, order_alert
from services.identity.notifications.events import payments as money
from services.identity.notifications.usecases.notify import notify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from google.protobuf.message import Message

    from meshkit.db.tx import Tx


def consumers() -> tuple[Consumer, ...]:
    """Return identity's consumers."""
    orders, payments = Consumer("identity", "commerce.order.v1"), Consumer("identity", "finance.payment.v1")
    payouts, stock = Consumer("identity", "finance.payout.v1"), Consumer("identity", "catalog.product.v1")
    _tell(orders, commerce.OrderCreated, order_created)
    _tell(orders, commerce.OrderDecided, order_decided)
    _tell(orders, commerce.OrderReadyForDispatch, order_ready_for_dispatch)
    _tell(orders, commerce.OrderStateChanged, order_state_changed)
    _tell(orders, commerce.OrderCanceled, order_canceled)
    _tell(orders, commerce.OrderPendingNudge, order_pending_nudge)
    _tell(orders, commerce.OrderNudged, order_nudged)
    _tell(orders, commerce.OrderExpired, order_expired)
    _tell(orders, commerce.OrderRetried, order_retried)
    _tell(payments, finance.CashCollected, money.cash_collected)
    _tell(payments, finance.PaymentFailed, money.payment_failed)
    _tell(payments, finance.CashMismatchFound, money.cash_mismatch_found)
    _tell(payments, finance.OrderPaid, money.order_paid)
    _tell(payments, finance.PayoutReturned, money.payout_returned)
    _tell(payments, finance.PayoutHeld, money.payout_held)
    _tell(payments, finance.PayoutReleased, money.payout_released)
    _tell(payments, finance.PaymentRefunded, money.payment_refunded)
    _tell(payouts, finance.PayoutRequested, money.payout_requested)
    _tell(payouts, finance.PayoutDecided, money.payout_decided)
    _tell(stock, catalog.ProductLowStock, product_low_stock)
    return orders, payments, payouts, stock


def _tell(consumer: Consumer, event: type[Message], words: Callable[[Any, datetime], Iterable[Notice]]) -> None:
    """Let a type's events become what `words` says of each, all of a batch in one statement."""

    def tell(tx: Tx, events: list[Any]) -> None:
        notify(tx, [notice for event in events for notice in words(event, tx.now)])

    consumer.on_batch(event, tell)


def order_created(event: commerce.OrderCreated, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor about a new order; an order without a surviving line is not one."""
    order = event.order
    if order.status != "created_pending":
        return
    yield order_alert(
        cause=f"order_created:{event.order_id}",
        store=order.vendor_store_id,
        title=f"New order #{order.order_number}",
        message=f"{order.buyer_store_name} ordered for {money_text(order.total_cents, order.currency)}. Please decide.",
        order_id=event.order_id,
    )


def order_decided(event: commerce.OrderDecided, _now: datetime) -> Iterator[Notice]:
    """Tell the buyer what the vendor decided."""
    order = event.order
    subject = "One line of your order" if event.line_item_id else "Your order"
    verdict = "rejected" if event.decision == "reject" else "accepted"
    yield order_alert(
        cause=f"order_decided:{event.order_id}:{event.line_item_id}:{order.version}",
        store=order.buyer_store_id,
        title=f"Order #{order.order_number} {verdict}",
        message=f"{subject} at {order.vendor_store_name} was {verdict}.",
        order_id=event.order_id,
    )


def order_ready_for_dispatch(event: commerce.OrderReadyForDispatch, _now: datetime) -> Iterator[Notice]:
    """Tell the buyer that the goods are packed."""
    order = event.order
    yield order_alert(
        cause=f"order_ready:{event.order_id}",
        store=order.buyer_store_id,
        title=f"Order #{order.order_number} is packed",
        message="An agent will pick it up. Tell the agent the delivery code of the order at the door, when asked.",
        order_id=event.order_id,
    )


def order_state_changed(event: commerce.OrderStateChanged, _now: datetime) -> Iterator[Notice]:
    """Tell the buyer that the order is on its way or there."""
    order = event.order
    words = {"in_transit": "is on its way", "delivered": "was delivered"}.get(order.status)
    if words is None:
        return
    yield order_alert(
        cause=f"order_{order.status}:{event.order_id}",
        store=order.buyer_store_id,
        title=f"Order #{order.order_number} {words}",
        message=f"From {order.vendor_store_name}.",
        order_id=event.order_id,
    )


def order_canceled(event: commerce.OrderCanceled, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the buyer called it off."""
    order = event.order
    yield order_alert(
        cause=f"order_canceled:{event.order_id}",
        store=order.vendor_store_id,
        title=f"Order #{order.order_number} canceled",
        message=f"{order.buyer_store_name} canceled it.",
        order_id=event.order_id,
    )


def order_pending_nudge(event: commerce.OrderPendingNudge, _now: datetime) -> Iterator[Notice]:
    """Remind the vendor of an order that waits."""
    order, until = event.order, event.expires_at.ToDatetime()
    yield order_alert(
        cause=f"order_pending_nudge:{event.order_id}",
        store=order.vendor_store_id,
        title=f"Order #{order.order_number} is waiting for you",
        message=f"{order.buyer_store_name} ordered {event.pending_days} days ago. It expires on {until:%Y-%m-%d}.",
        order_id=event.order_id,
    )


def order_nudged(event: commerce.OrderNudged, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the buyer waits for a decision."""
    order = event.order
    yield order_alert(
        cause=f"order_nudged:{event.order_id}:{event.nudged_at.ToJsonString()}",
        store=order.vendor_store_id,
        title=f"Order #{order.order_number}: please decide",
        message=f"{order.buyer_store_name} is waiting for your decision.",
        order_id=event.order_id,
    )


def order_expired(event: commerce.OrderExpired, _now: datetime) -> Iterator[Notice]:
    """Tell both sides that the vendor let the order's time run out."""
    order = event.order
    words = {
        order.buyer_store_id: f"{order.vendor_store_name} did not answer within {event.ttl_days} days. You may retry it.",
        order.vendor_store_id: f"It was not decided within {event.ttl_days} days. Its stock is free again.",
    }
    for store, message in words.items():
        yield order_alert(
            cause=f"order_expired:{event.order_id}",
            store=store,
            title=f"Order #{order.order_number} expired",
            message=message,
            order_id=event.order_id,
        )


def order_retried(event: commerce.OrderRetried, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the new order is one it let expire before; that there is a new order it hears anyway."""
    order = event.order
    yield order_alert(
        cause=f"order_retried:{event.order_id}",
        store=order.vendor_store_id,
        title=f"Order #{order.order_number} is a second try",
        message=f"{order.buyer_store_name} ordered again what expired undecided. Please decide in time.",
        order_id=event.new_order_id,
    )


def product_low_stock(event: catalog.ProductLowStock, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that little is left; every time it becomes little again."""
    left = event.available_qty
    yield Notice(
        cause=f"product_low_stock:{event.product_id}:{event.crossed_at.ToJsonString()}",
        store_id=uuid.UUID(event.vendor_store_id),
        type="market_update",
        title=f"{event.title} {'runs low' if left else 'is sold out'}",
        message=f"{left or 'None'} left of {event.sku}; you want to hear at {event.low_stock_threshold}.",
        link=f"/vendor/products/{event.product_id}",
    )
