"""Decide under which group the stock of a retry is reserved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.commerce.orders.data import retries
from services.commerce.orders.domain.moves import require_move
from services.commerce.orders.domain.order_state import Action
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.purchase import CheckoutRules


def begin_retry(tx: Tx, *, order_id: uuid.UUID, rules: CheckoutRules) -> uuid.UUID | bytes:
    """Lock the expired order and start or continue its retry; returns the group to reserve under.

    An order that was retried before gives the earlier answer's bytes. Raises NotFound, OrderStateInvalid.
    """
    expired = lock_order(tx, order_id=order_id, buyer=tx.principal.require_store)
    require_move(expired, Action.RETRY)
    tx.audit(target=order_id)
    known = retries.find(tx, order_id)
    if known is not None and known.response is not None:
        return known.response
    return retries.begin(tx, order_id=order_id, group_id=new_id(), stale=tx.now - rules.continue_for)
