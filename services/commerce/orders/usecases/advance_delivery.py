"""A delivery agent has picked the order up, or handed it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.commerce.errors import OrderStateInvalid
from services.commerce.orders.data import orders
from services.commerce.orders.domain.order_state import Action, OrderStatus, sources
from services.commerce.orders.usecases.change_state import change_state
from services.commerce.orders.usecases.lock_order import lock_order, require, require_no_mismatch, state_of

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

# What an order has as its shipping status once it was picked up, whatever else becomes of it.
_PICKED_UP = ("in_transit", "delivered")


def advance_delivery(tx: Tx, *, order_id: uuid.UUID, step: Action, agent_user_id: uuid.UUID) -> tuple[Any, list[Any]]:
    """Return the order where the step leads and its lines.

    A step that this agent has taken stands, wherever the order is by now: whoever asks again missed the first answer. Raises
    NotFound, OrderStateInvalid.
    """
    before = lock_order(tx, order_id=order_id)
    tx.audit(target=order_id)
    if _is_taken(before, step):
        _require_taken_by(before, step, agent_user_id)
        return before, orders.lines(tx, order_id)
    require(before, step)
    require_no_mismatch(before, step)
    if step is Action.PICKUP:
        return change_state(
            tx,
            before,
            OrderStatus.IN_TRANSIT,
            hold_reason=None,
            shipping_status="in_transit",
            picked_up_at=tx.now,
            picked_up_by=agent_user_id,
        )
    return change_state(
        tx,
        before,
        OrderStatus.DELIVERED,
        shipping_status="delivered",
        delivered_at=tx.now,
        delivered_by=agent_user_id,
    )


def _is_taken(order: Any, step: Action) -> bool:
    if step is Action.PICKUP:
        return order.shipping_status in _PICKED_UP
    return order.delivered_at is not None


def _require_taken_by(order: Any, step: Action, agent_user_id: uuid.UUID) -> None:
    # Of steps taken before they were recorded nobody knows who took them.
    taken_by = order.picked_up_by if step is Action.PICKUP else order.delivered_by
    if taken_by not in (None, agent_user_id):
        raise OrderStateInvalid(
            "Another agent has taken this step.",
            state=f"{state_of(order)} ({step} by another agent)",
            allowed=sources(step),
        )
