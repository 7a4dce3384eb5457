"""The buyer asks the vendor to decide."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.errors import NudgedAlready
from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import require_move
from services.commerce.orders.domain.order_state import Action
from services.commerce.orders.usecases.lock_order import lock_order
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

NUDGE_EVERY = timedelta(hours=24)


def nudge_order(tx: Tx, *, order_id: uuid.UUID) -> datetime:
    """Announce that the buyer waits for the vendor; returns when that is possible again.

    Nothing that others know of the order changes. Raises NotFound, OrderStateInvalid, NudgedAlready.
    """
    before = lock_order(tx, order_id=order_id, buyer=tx.principal.require_store)
    require_move(before, Action.NUDGE)
    if before.buyer_nudged_at is not None and before.buyer_nudged_at + NUDGE_EVERY > tx.now:
        possible_at = before.buyer_nudged_at + NUDGE_EVERY
        left = math.ceil((possible_at - tx.now).total_seconds())
        raise NudgedAlready(possible_at=possible_at.isoformat(), retry_after_s=left)
    order = orders.note_nudge(tx, order_id)
    event = events.OrderNudged(order_id=str(order_id), order=order_snapshot(order, lines=orders.lines(tx, order_id)))
    event.nudged_at.FromDatetime(tx.now)
    tx.emit(event)
    tx.audit(target=order_id)
    return tx.now + NUDGE_EVERY
