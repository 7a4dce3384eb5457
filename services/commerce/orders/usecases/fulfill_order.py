"""The vendor has packed what was accepted: the order waits for a delivery agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.commerce.errors import OrderStateInvalid
from services.commerce.orders.data import orders
from services.commerce.orders.domain.order_state import Action, LineStatus, OrderStatus, sources
from services.commerce.orders.usecases.lock_order import lock_order, require, require_no_mismatch
from services.commerce.orders.usecases.pack import announce_packed, packed_columns

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

_TO_PACK = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_ACCEPTED)


def fulfill_order(tx: Tx, *, order_id: uuid.UUID) -> tuple[Any, list[Any]]:
    """Return the packed order and its lines; packing it again changes nothing. Raises NotFound, OrderStateInvalid."""
    before = lock_order(tx, order_id=order_id, vendor=tx.principal.require_store)
    require(before, Action.FULFILL)
    require_no_mismatch(before, Action.FULFILL)
    lines = orders.lines(tx, order_id)
    if before.status not in _TO_PACK:
        return before, lines
    if any(line.status == LineStatus.PENDING for line in lines):
        raise OrderStateInvalid(
            "Decide every line first.",
            state=f"{before.status} with pending lines",
            allowed=f"{sources(Action.FULFILL)}, without pending lines",
        )
    orders.set_lines(tx, order_id, before=[LineStatus.ACCEPTED], status=LineStatus.FULFILLED.value)
    order = orders.change(tx, order_id, **packed_columns(tx, lines))
    lines = orders.lines(tx, order_id)
    tx.audit(target=order_id, before={"status": before.status}, after={"status": order.status})
    announce_packed(tx, order, lines)
    return order, lines
