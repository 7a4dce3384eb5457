"""Orders that nobody decides: the vendor is reminded once, later the order is given up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from meshkit import audit
from services.commerce.orders.data import lifetimes, orders
from services.commerce.orders.domain.order_state import OrderStatus
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.lifetime import Lifetime

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


def _expire(tx: Tx, due: Mapping[uuid.UUID, Lifetime]) -> None:
    for order, lines in _with_lines(tx, lifetimes.expire(tx, list(due))):
        tx.emit(
            events.OrderExpired(
                order_id=str(order.id), ttl_days=due[order.id].expiry_days, order=order_snapshot(order, lines)
            )
        )
    before, after = {"status": OrderStatus.CREATED_PENDING.value}, {"status": OrderStatus.EXPIRED.value}
    changes = [
        audit.Change(order_id, before, {**after, "ttl_days": lifetime.expiry_days})
        for order_id, lifetime in due.items()
    ]
    audit.write_rows(tx, action="order.expire", changes=changes)


def _remind(tx: Tx, due: Mapping[uuid.UUID, Lifetime]) -> None:
    for order, lines in _with_lines(tx, lifetimes.remind(tx, list(due))):
        lifetime = due[order.id]
        event = events.OrderPendingNudge(
            order_id=str(order.id), pending_days=lifetime.nudge_days, order=order_snapshot(order, lines)
        )
        event.expires_at.FromDatetime(order.created_at + timedelta(days=lifetime.expiry_days))
        tx.emit(event)


def _with_lines(tx: Tx, rows: Any) -> list[tuple[Any, list[Any]]]:
    lines = orders.lines_of(tx, [row.id for row in rows])
    return [(row, lines[row.id]) for row in rows]
