"""A delivery agent has picked the order up, or handed it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.errors import OrderStateInvalid
from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import require_move, require_no_mismatch, state_of
from services.commerce.orders.domain.order_state import Action, sources
from services.commerce.orders.usecases.change_state import change_state
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, Order

# What an order has as its shipping status once it was picked up, whatever else becomes of it.
_PICKED_UP = ("in_transit", "delivered")


def advance_delivery(
    tx: Tx, *, order_id: uuid.UUID, step: Action, agent_user_id: uuid.UUID
) -> tuple[Order, list[Line]]:
    """Return the order where the step leads and its lines.

    A step that this agent has taken already is answered again, wherever the order is by now: the first answer was lost.
    Raises NotFound, OrderStateInvalid.
    """
    before = lock_order(tx, order_id=order_id)
    tx.audit(target=order_id)
    if _is_taken(before, step):
        _require_taken_by(before, step, agent_user_id)
        return before, orders.lines(tx, order_id)
    move = require_move(before, step)
    require_no_mismatch(before, step)
    if step is Action.PICKUP:
        return change_state(
            tx,
            before,
            move,
            hold_reason=None,
            shipping_status="in_transit",
            picked_up_at=tx.now,
            picked_up_by=agent_user_id,
        )
    return change_state(
        tx,
        before,
        move,
        shipping_status="delivered",
        delivered_at=tx.now,
        delivered_by=agent_user_id,
    )


def _is_taken(order: Order, step: Action) -> bool:
    if step is Action.PICKUP:
        return order.shipping_status in _PICKED_UP
    return order.delivered_at is not None


def _require_taken_by(order: Order, step: Action, agent_user_id: uuid.UUID) -> None:
    # Who took a step was not always recorded.
    taken_by = order.picked_up_by if step is Action.PICKUP else order.delivered_by
    if taken_by not in (None, agent_user_id):
        raise OrderStateInvalid(
            "Another agent has taken this step.",
            state=f"{state_of(order)} ({step} by another agent)",
            allowed=sources(step),
        )
