"""What identity does when others report something: it tells the people concerned."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from marketmesh.catalog.events.v1 import catalog_events_pb2 as catalog
from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from meshkit.events.registry import Consumer
from services.identity.usecases.notify import Notice, notify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from google.protobuf.message import Message

    from meshkit.db.tx import Tx


def consumers() -> tuple[Consumer, ...]:
    """Return identity's consumers."""
    orders, payments = Consumer("identity", "commerce.order.v1"), Consumer("identity", "finance.payment.v1")
    _tell(orders, commerce.OrderCreated, order_created)
    _tell(orders, commerce.OrderDecided, order_decided)
    _tell(orders, commerce.OrderReadyForDispatch, order_ready_for_dispatch)
    _tell(orders, commerce.OrderStateChanged, order_state_changed)
    _tell(orders, commerce.OrderCanceled, order_canceled)
    _tell(orders, commerce.OrderPendingNudge, order_pending_nudge)
    _tell(orders, commerce.OrderNudged, order_nudged)
    _tell(orders, commerce.OrderExpired, order_expired)
    _tell(payments, finance.CashCollected, cash_collected)
    _tell(payments, finance.PaymentFailed, payment_failed)
    _tell(payments, finance.CashMismatchFound, cash_mismatch_found)
    _tell(payments, finance.OrderPaid, order_paid)
    stock = Consumer("identity", "catalog.product.v1")
    _tell(stock, catalog.ProductLowStock, product_low_stock)
    return orders, payments, stock


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
    yield _order_alert(
        cause=f"order_created:{event.order_id}",
        store=order.vendor_store_id,
        title=f"New order #{order.order_number}",
        message=f"{order.buyer_store_name} ordered for {_money(order.total_cents, order.currency)}. Please decide.",
        order_id=event.order_id,
    )


def order_decided(event: commerce.OrderDecided, _now: datetime) -> Iterator[Notice]:
    """Tell the buyer what the vendor decided."""
    order = event.order
    subject = "One line of your order" if event.line_item_id else "Your order"
    verdict = "rejected" if event.decision == "reject" else "accepted"
    yield _order_alert(
        cause=f"order_decided:{event.order_id}:{event.line_item_id}:{order.version}",
        store=order.buyer_store_id,
        title=f"Order #{order.order_number} {verdict}",
        message=f"{subject} at {order.vendor_store_name} was {verdict}.",
        order_id=event.order_id,
    )


def order_ready_for_dispatch(event: commerce.OrderReadyForDispatch, _now: datetime) -> Iterator[Notice]:
    """Tell the buyer that the goods are packed."""
    order = event.order
    yield _order_alert(
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
    yield _order_alert(
        cause=f"order_{order.status}:{event.order_id}",
        store=order.buyer_store_id,
        title=f"Order #{order.order_number} {words}",
        message=f"From {order.vendor_store_name}.",
        order_id=event.order_id,
    )


def order_canceled(event: commerce.OrderCanceled, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the buyer called it off."""
    order = event.order
    yield _order_alert(
        cause=f"order_canceled:{event.order_id}",
        store=order.vendor_store_id,
        title=f"Order #{order.order_number} canceled",
        message=f"{order.buyer_store_name} canceled it.",
        order_id=event.order_id,
    )


def order_pending_nudge(event: commerce.OrderPendingNudge, _now: datetime) -> Iterator[Notice]:
    """Remind the vendor of an order that waits."""
    order, until = event.order, event.expires_at.ToDatetime()
    yield _order_alert(
        cause=f"order_pending_nudge:{event.order_id}",
        store=order.vendor_store_id,
        title=f"Order #{order.order_number} is waiting for you",
        message=f"{order.buyer_store_name} ordered {event.pending_days} days ago. It expires on {until:%Y-%m-%d}.",
        order_id=event.order_id,
    )


def order_nudged(event: commerce.OrderNudged, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the buyer waits for a decision."""
    order = event.order
    yield _order_alert(
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
        yield _order_alert(
            cause=f"order_expired:{event.order_id}",
            store=store,
            title=f"Order #{order.order_number} expired",
            message=message,
            order_id=event.order_id,
        )


def cash_collected(event: finance.CashCollected, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the money is there, and the administrators that a payout will be due."""
    amount = _money(event.amount_cents, event.currency)
    yield _order_alert(
        cause=f"cash_collected:{event.order_id}",
        store=event.vendor_store_id,
        title=f"Payment for order #{event.order_number}",
        message=f"{amount} in cash was collected.",
        order_id=event.order_id,
    )
    yield _order_alert(
        cause=f"payout_due:{event.order_id}",
        store="",
        title=f"Payout for order #{event.order_number}",
        message=f"{amount} was collected; confirm the payout once the order is delivered.",
        order_id=event.order_id,
    )


def payment_failed(event: finance.PaymentFailed, now: datetime) -> Iterator[Notice]:
    """Tell the administrators that money and order disagree."""
    received = _money(event.received_cents, event.currency)
    expected = _money(event.expected_cents, event.currency)
    yield _order_alert(
        # Every failure counts: after a reopening the same wrong sum can come again.
        cause=f"payment_failed:{event.order_id}:{now.isoformat()}",
        store="",
        title=f"Payment of order #{event.order_number} does not fit",
        message=f"Received {received}, expected {expected}. The order is on hold.",
        order_id=event.order_id,
    )


def cash_mismatch_found(event: finance.CashMismatchFound, _now: datetime) -> Iterator[Notice]:
    """Tell the administrators that an agent's cash was counted otherwise than it should be."""
    counted, collected, declared = (
        _money(cents, event.currency) for cents in (event.counted_cents, event.collected_cents, event.declared_cents)
    )
    yield _order_alert(
        cause=f"cash_mismatch:{event.mismatch_id}",
        store="",
        title=f"Cash of order #{event.order_number} does not fit",
        message=f"Counted {counted}, collected {collected}, declared {declared}. The order is not paid out until it is resolved.",
        order_id=event.order_id,
    )


def order_paid(event: finance.OrderPaid, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the payout is made."""
    yield _order_alert(
        cause=f"order_paid:{event.order_id}",
        store=event.vendor_store_id,
        title=f"Payout for order #{event.order_number}",
        message=f"{_money(event.payout_cents, event.currency)} is on its way to you.",
        order_id=event.order_id,
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


def _order_alert(*, cause: str, store: str, title: str, message: str, order_id: str) -> Notice:
    return Notice(
        cause=cause,
        store_id=uuid.UUID(store) if store else None,
        type="order_alert",
        title=title,
        message=message,
        link=f"/orders/{order_id}",
    )


def _money(cents: int, currency: str) -> str:
    return f"{cents // 100}.{cents % 100:02d} {currency}"
