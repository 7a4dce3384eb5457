"""The buyer cancels an order before it is on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import require_move, require_no_money_received
from services.commerce.orders.domain.order_state import Action, PaymentStatus
from services.commerce.orders.usecases.lock_order import lock_order
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, Order


def cancel_order(tx: Tx, *, order_id: uuid.UUID, reason: str) -> tuple[Order, list[Line]]:
    """Return the canceled order and its lines, which stay what they were. Raises NotFound, OrderStateInvalid."""
    before = lock_order(tx, order_id=order_id, buyer=tx.principal.require_store)
    # An order on a payment hold may be on its way already, so the status from before the hold counts.
    move = require_move(before, Action.CANCEL, status=before.held_status)
    require_no_money_received(before, Action.CANCEL)
    order = orders.move(
        tx,
        order_id,
        move,
        hold_reason=None,
        held_status=None,
        held_reason=None,
        payment_status=PaymentStatus.REJECTED.value,
        balance_due_cents=0,
        cancel_reason=reason or None,
        canceled_at=tx.now,
    )
    lines = orders.lines(tx, order_id)
    tx.audit(target=order_id, before={"status": before.status}, after={"status": order.status, "reason": reason})
    tx.emit(events.OrderCanceled(order_id=str(order_id), reason=reason, order=order_snapshot(order, lines=lines)))
    return order, lines
