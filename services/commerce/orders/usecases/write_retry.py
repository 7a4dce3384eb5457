"""Last step of a retry: the new order takes the place of the expired one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.errors import RetryRunning
from services.commerce.orders.data import orders, retries
from services.commerce.orders.usecases.lock_order import lock_order
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.commerce.orders.usecases.price_retry import Retry


def write_retry(tx: Tx, retry: Retry) -> bytes | None:
    """Write and announce the new order; returns the earlier answer instead if another run wrote one.

    Raises RetryRunning when another run started over with a new group.
    """
    order, lines = retry.order, retry.lines
    lock_order(tx, order_id=retry.expired_id, buyer=order.buyer_store_id)
    known = retries.find(tx, retry.expired_id)
    assert known is not None, "begun before"
    if known.response is not None:
        return known.response
    if known.checkout_group_id != order.checkout_group_id or known.state != "reserving":
        raise RetryRunning
    order.order_number = orders.add(tx, [order], lines)[order.id]
    order.created_at = tx.now
    snapshot = order_snapshot(order, lines=lines)
    tx.emit(events.OrderCreated(order_id=str(order.id), order=snapshot))
    tx.emit(events.OrderRetried(order_id=str(retry.expired_id), new_order_id=str(order.id), order=snapshot))
    tx.audit(target=retry.expired_id, after={"order_id": str(order.id), "total_cents": order.total_cents})
    return None
