"""Notifications about payments: to vendors and buyers about their orders, to administrators about what waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.notifications.domain.notice import Notice, money_text, order_alert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marketmesh.finance.events.v1 import finance_events_pb2 as finance

_DECIDED = {"approve": "approved", "reject": "rejected", "return": "came back"}
_FOLLOWS = {
    "approve": "{amount} is on its way.",
    "reject": "Its orders are due again.",
    "return": "The vendor is owed {amount} again.",
}


def cash_collected(event: finance.CashCollected, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the money is there, and the administrators that a payout will be due."""
    amount = money_text(event.amount_cents, event.currency)
    yield order_alert(
        cause=f"cash_collected:{event.order_id}",
        store=event.vendor_store_id,
        title=f"Payment for order #{event.order_number}",
        message=f"{amount} in cash was collected.",
        order_id=event.order_id,
    )
    yield order_alert(
        cause=f"payout_due:{event.order_id}",
        store="",
        title=f"Payout for order #{event.order_number}",
        message=f"{amount} was collected; confirm the payout once the order is delivered.",
        order_id=event.order_id,
    )


def payment_failed(event: finance.PaymentFailed, now: datetime) -> Iterator[Notice]:
    """Tell the administrators that money and order disagree."""
    received = money_text(event.received_cents, event.currency)
    expected = money_text(event.expected_cents, event.currency)
    # Events from before the field existed: when they are handled stands in for it.
    failed_at = event.failed_at.ToJsonString() if event.HasField("failed_at") else now.isoformat()
    yield order_alert(
        # Every failure counts: after a reopening the same wrong sum can come again.
        cause=f"payment_failed:{event.order_id}:{failed_at}",
        store="",
        title=f"Payment of order #{event.order_number} does not fit",
        message=f"Received {received}, expected {expected}. The order is on hold.",
        order_id=event.order_id,
    )


def cash_mismatch_found(event: finance.CashMismatchFound, _now: datetime) -> Iterator[Notice]:
    """Tell the administrators that an agent's cash was counted otherwise than it should be."""
    counted, collected, declared = (
        money_text(cents, event.currency)
        for cents in (event.counted_cents, event.collected_cents, event.declared_cents)
    )
    yield order_alert(
        cause=f"cash_mismatch:{event.mismatch_id}",
        store="",
        title=f"Cash of order #{event.order_number} does not fit",
        message=f"Counted {counted}, collected {collected}, declared {declared}. The order is not paid out until it is resolved.",
        order_id=event.order_id,
    )


def order_paid(event: finance.OrderPaid, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that the payout is made."""
    if not event.payout_cents:
        # The order cost nothing, so nobody waits for money.
        return
    yield order_alert(
        # After a payout that came back there is another one.
        cause=f"order_paid:{event.order_id}:{event.vendor_paid_at.ToJsonString()}",
        store=event.vendor_store_id,
        title=f"Payout for order #{event.order_number}",
        message=f"{money_text(event.payout_cents, event.currency)} is on its way to you.",
        order_id=event.order_id,
    )


def payout_returned(event: finance.PayoutReturned, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that its bank sent the money back; administrators are notified of the payout as a whole."""
    yield order_alert(
        cause=f"payout_returned:{event.order_id}:{event.payout_id}",
        store=event.vendor_store_id,
        title=f"Payout {_of(event.order_number)} came back",
        message=f"{money_text(event.payout_cents, event.currency)} did not reach you: {event.reason}. It is due again.",
        order_id=event.order_id,
    )


def payout_held(event: finance.PayoutHeld, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that it has to wait; why is between the administrators."""
    yield order_alert(
        cause=f"payout_held:{event.order_id}:{event.held_at.ToJsonString()}",
        store=event.vendor_store_id,
        title=f"Payout {_of(event.order_number)} is held",
        message="It is being looked at and is left out of payouts until then.",
        order_id=event.order_id,
    )


def payout_released(event: finance.PayoutReleased, _now: datetime) -> Iterator[Notice]:
    """Tell the vendor that it has to wait no longer."""
    yield order_alert(
        cause=f"payout_released:{event.order_id}:{event.released_at.ToJsonString()}",
        store=event.vendor_store_id,
        title=f"Payout {_of(event.order_number)} is held no longer",
        message="It will be in one of the next payouts.",
        order_id=event.order_id,
    )


def payment_refunded(event: finance.PaymentRefunded, _now: datetime) -> Iterator[Notice]:
    """Tell both sides what the buyer gets back."""
    amount = money_text(event.amount_cents, event.currency)
    title, owed = (
        ("Credit", f"pays {amount} less for it") if event.is_credit else ("Refund", f"gets {amount} of it back")
    )
    for store, message in (
        (event.buyer_store_id, f"You {owed.replace('s ', ' ', 1)}."),
        (event.vendor_store_id, f"The buyer {owed}; your part is taken from what you earn."),
    ):
        yield order_alert(
            # Of one order there can be several; the sum so far tells them apart.
            cause=f"payment_refunded:{event.order_id}:{event.refunded_cents}",
            store=store,
            title=f"{title} {_of(event.order_number)}",
            message=message,
            order_id=event.order_id,
        )


def payout_requested(event: finance.PayoutRequested, _now: datetime) -> Iterator[Notice]:
    """Tell the administrators that a payout needs a second one of them."""
    orders = "1 order" if event.order_count == 1 else f"{event.order_count} orders"
    amount = money_text(event.amount_cents, event.currency)
    yield _to_administrators(
        event,
        step="requested",
        title=f"Payout to {event.vendor_store_name} waits",
        message=f"{amount} for {orders} needs the approval of somebody else than who asked for it.",
    )


def payout_decided(event: finance.PayoutDecided, _now: datetime) -> Iterator[Notice]:
    """Tell the administrators what became of a payout."""
    if event.decision not in _DECIDED:
        return
    follows = _FOLLOWS[event.decision].format(amount=money_text(event.amount_cents, event.currency))
    yield _to_administrators(
        event,
        step=event.decision,
        title=f"Payout to {event.vendor_store_name} {_DECIDED[event.decision]}",
        message=f"{follows} ({event.reason})" if event.reason else follows,
    )


def _to_administrators(
    event: finance.PayoutRequested | finance.PayoutDecided, *, step: str, title: str, message: str
) -> Notice:
    return Notice(
        cause=f"payout:{event.payout_id}:{step}",
        store_id=None,
        type="order_alert",
        title=title,
        message=message,
        link=f"/admin/payouts/{event.payout_id}",
    )


def _of(order_number: int) -> str:
    # Events of before the field was there have none.
    return f"for order #{order_number}" if order_number else "for an order"
