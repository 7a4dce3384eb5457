"""The vendor accepts or rejects a whole pending order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.data import orders
from services.commerce.orders.domain.order_state import Action, LineStatus, OrderStatus, PaymentStatus
from services.commerce.orders.usecases.lock_order import lock_order, require, require_no_money_received
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def decide_order(tx: Tx, *, order_id: uuid.UUID, accept: bool) -> tuple[Any, list[Any]]:
    """Return the decided order and its lines. Raises NotFound, OrderStateInvalid."""
    before = lock_order(tx, order_id=order_id, vendor=tx.principal.require_store)
    action = Action.ACCEPT if accept else Action.REJECT
    require(before, action)
    if accept:
        orders.set_lines(tx, order_id, before=[LineStatus.PENDING], status=LineStatus.ACCEPTED.value)
        order = orders.change(tx, order_id, status=OrderStatus.ACCEPTED.value)
    else:
        require_no_money_received(before, action)
        orders.set_lines(
            tx, order_id, before=[LineStatus.PENDING, LineStatus.ACCEPTED], status=LineStatus.REJECTED.value
        )
        order = orders.change(tx, order_id, **rejected_columns())
    lines = orders.lines(tx, order_id)
    tx.audit(target=order_id, before={"status": before.status}, after={"status": order.status})
    tx.emit(events.OrderDecided(order_id=str(order_id), decision=action.value, order=order_snapshot(order, lines)))
    return order, lines


def rejected_columns() -> dict[str, Any]:
    """Return what an order becomes when none of its lines is left: it costs nothing and nothing is to be paid."""
    return {
        "status": OrderStatus.REJECTED.value,
        "hold_reason": None,
        "held_status": None,
        "held_reason": None,
        "payment_status": PaymentStatus.REJECTED.value,
        "subtotal_cents": 0,
        "discount_cents": 0,
        "transport_fee_cents": 0,
        "tax_cents": 0,
        "total_cents": 0,
        "balance_due_cents": 0,
    }
