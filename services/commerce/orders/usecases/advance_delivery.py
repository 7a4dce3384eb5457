"""A delivery agent has picked the order up, or handed it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.errors import OrderStateInvalid
from services.commerce.orders.data import delivery_steps
from services.commerce.orders.domain.moves import require_move, require_no_mismatch, state_of
from services.commerce.orders.domain.order_state import Action, sources
from services.commerce.orders.usecases.change_state import change_state
from services.commerce.orders.usecases.lock_order import lock_order
from services.commerce.orders.usecases.read_order import read_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, LockedOrder, Order

# What an order has as its shipping status once a step was taken, whatever else becomes of it.
_TAKEN = {Action.PICKUP: ("in_transit", "delivered"), Action.DELIVER: ("delivered",)}


def advance_delivery(
    tx: Tx, *, order_id: uuid.UUID, step: Action, agent_user_id: uuid.UUID
) -> tuple[Order, list[Line]]:
    """Return the order where the step leads and its lines.

    A step that this agent has taken already is answered again, wherever the order is by now: the first answer was lost.
    Raises NotFound, OrderStateInvalid.
    """
    before = lock_order(tx, order_id=order_id)
    tx.audit(target=order_id)
    if before.shipping_status in _TAKEN[step]:
        return _taken_by(tx, before, step, agent_user_id)
    move = require_move(before, step)
    require_no_mismatch(before, step)
    if step is Action.PICKUP:
        delivery_steps.note_pickup(tx, order_id, agent_user_id=agent_user_id)
        return change_state(tx, before, move=move, hold_reason=None, shipping_status="in_transit")
    delivery_steps.note_delivery(tx, order_id, agent_user_id=agent_user_id)
    return change_state(tx, before, move=move, shipping_status="delivered", delivered_at=tx.now)


def _taken_by(tx: Tx, before: LockedOrder, step: Action, agent_user_id: uuid.UUID) -> tuple[Order, list[Line]]:
    order, lines = read_order(tx, order_id=before.id, party=None)
    # Who took a step was not always recorded.
    taken_by = order.picked_up_by if step is Action.PICKUP else order.delivered_by
    if taken_by not in (None, agent_user_id):
        raise OrderStateInvalid(
            "Another agent has taken this step.",
            state=f"{state_of(order)} ({step} by another agent)",
            allowed=sources(step),
        )
    return order, lines
