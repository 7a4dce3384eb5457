"""The vendor has packed what was accepted: the order waits for a delivery agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.errors import OrderStateInvalid
from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import require_move, require_no_mismatch
from services.commerce.orders.domain.order_state import Action, LineStatus, sources
from services.commerce.orders.domain.outcomes import packed_columns
from services.commerce.orders.usecases.announce_packed import announce_packed
from services.commerce.orders.usecases.lock_order import lock_order
from services.commerce.orders.usecases.read_order import read_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, Order


def fulfill_order(tx: Tx, *, order_id: uuid.UUID) -> tuple[Order, list[Line]]:
    """Return the packed order and its lines; packing it again changes nothing. Raises NotFound, OrderStateInvalid."""
    before = lock_order(tx, order_id=order_id, vendor=tx.principal.require_store)
    move = require_move(before, Action.FULFILL)
    require_no_mismatch(before, Action.FULFILL)
    if move.stays:
        return read_order(tx, order_id=order_id, party=None)
    lines = orders.lines(tx, order_id)
    if any(line.status == LineStatus.PENDING for line in lines):
        raise OrderStateInvalid(
            "Decide every line first.",
            state=f"{before.status} with pending lines",
            allowed=f"{sources(Action.FULFILL)}, without pending lines",
        )
    orders.move_lines(tx, order_id, Action.FULFILL)
    order = orders.move(tx, order_id, move, **packed_columns(lines, now=tx.now))
    lines = orders.lines(tx, order_id)
    tx.audit(target=order_id, before={"status": before.status}, after={"status": order.status})
    announce_packed(tx, order, lines=lines)
    return order, lines
