"""A delivery agent has picked the order up, or handed it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.commerce.data import orders
from services.commerce.domain.order_state import Action, OrderStatus
from services.commerce.usecases.change_state import change_state
from services.commerce.usecases.lock_order import lock_order, require, require_no_mismatch

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

_REACHED = {Action.PICKUP: OrderStatus.IN_TRANSIT, Action.DELIVER: OrderStatus.DELIVERED}


def advance_delivery(tx: Tx, *, order_id: uuid.UUID, step: Action) -> tuple[Any, list[Any]]:
    """Return the order where the step leads and its lines; a step already done changes nothing.

    Raises NotFound, OrderStateInvalid.
    """
    before = lock_order(tx, order_id=order_id)
    require(before, step)
    require_no_mismatch(before, step)
    reached = _REACHED[step]
    tx.audit(target=order_id)
    if before.status == reached:
        return before, orders.lines(tx, order_id)
    if step is Action.PICKUP:
        return change_state(tx, before, reached, hold_reason=None, shipping_status="in_transit")
    return change_state(tx, before, reached, shipping_status="delivered", delivered_at=tx.now)
