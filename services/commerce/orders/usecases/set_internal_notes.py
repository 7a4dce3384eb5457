"""The vendor writes down what it wants to remember about an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import orders
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, Order


def set_internal_notes(tx: Tx, *, order_id: uuid.UUID, notes: str) -> tuple[Order, list[Line]]:
    """Return the order with the notes in place of earlier ones, in whatever state it is, and its lines. Raises NotFound."""
    before = lock_order(tx, order_id=order_id, vendor=tx.principal.require_store)
    order = orders.set_internal_notes(tx, order_id, notes)
    tx.audit(target=order_id, before={"characters": len(before.internal_notes)}, after={"characters": len(notes)})
    return order, orders.lines(tx, order_id)
