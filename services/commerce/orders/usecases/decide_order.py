"""The vendor accepts or rejects a whole pending order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import require_move, require_no_money_received
from services.commerce.orders.domain.order_state import Action
from services.commerce.orders.domain.outcomes import rejected_columns
from services.commerce.orders.usecases.lock_order import lock_order
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, Order


def decide_order(tx: Tx, *, order_id: uuid.UUID, accept: bool) -> tuple[Order, list[Line]]:
    """Return the decided order and its lines. Raises NotFound, OrderStateInvalid."""
    before = lock_order(tx, order_id=order_id, vendor=tx.principal.require_store)
    action = Action.ACCEPT if accept else Action.REJECT
    move = require_move(before, action)
    if not accept:
        require_no_money_received(before, action)
    orders.move_lines(tx, order_id, action)
    order = orders.move(tx, order_id, move, **({} if accept else rejected_columns()))
    lines = orders.lines(tx, order_id)
    tx.audit(target=order_id, before={"status": before.status}, after={"status": order.status})
    tx.emit(
        events.OrderDecided(order_id=str(order_id), decision=action.value, order=order_snapshot(order, lines=lines))
    )
    return order, lines
