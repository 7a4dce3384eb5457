"""Orders that nobody decides: the vendor is reminded once, later the order expires."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from meshkit import audit
from services.commerce.orders.data import lifetimes, orders
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshkit.db.tx import Tx
    from services.commerce.orders.data.lifetimes import DueOrder
    from services.commerce.orders.domain.lifetime import Lifetime
    from services.commerce.orders.domain.order import Line, Order

BATCH = 200


def end_lifetimes(tx: Tx, *, usual: Lifetime) -> tuple[int, int]:
    """Expire what is due and remind of what is late, a bounded number per run; returns how many of each.

    Safe to run in any number of processes at once, and after any time away: what is due stays due. An order that is due
    for both only expires.
    """
    expired = lifetimes.lock_expired(tx, usual, limit=BATCH)
    if expired:
        _expire(tx, expired)
    late = lifetimes.lock_late(tx, usual, limit=BATCH)
    if late:
        _remind(tx, late)
    return len(expired), len(late)


def _expire(tx: Tx, due: Sequence[DueOrder]) -> None:
    was = {order.id: order for order in due}
    changes = []
    for order, lines in _with_lines(tx, lifetimes.expire(tx, list(was))):
        days = was[order.id].expiry_days
        tx.emit(events.OrderExpired(order_id=str(order.id), ttl_days=days, order=order_snapshot(order, lines=lines)))
        before, after = {"status": was[order.id].status}, {"status": order.status, "ttl_days": days}
        changes.append(audit.Change(order.id, before, after))
    audit.write_rows(tx, action="order.expire", changes=changes)


def _remind(tx: Tx, due: Sequence[DueOrder]) -> None:
    waiting = {order.id: order for order in due}
    for order, lines in _with_lines(tx, lifetimes.remind(tx, list(waiting))):
        lifetime = waiting[order.id]
        event = events.OrderPendingNudge(
            order_id=str(order.id), pending_days=lifetime.nudge_days, order=order_snapshot(order, lines=lines)
        )
        event.expires_at.FromDatetime(order.created_at + timedelta(days=lifetime.expiry_days))
        tx.emit(event)


def _with_lines(tx: Tx, found: Sequence[Order]) -> Iterable[tuple[Order, list[Line]]]:
    lines = orders.lines_of(tx, [order.id for order in found])
    return [(order, lines[order.id]) for order in found]
