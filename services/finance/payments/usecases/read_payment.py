"""Read the payment of an order, for other services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.finance.payments.data import intents

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def read_payment(tx: Tx, *, order_id: uuid.UUID) -> Any:
    """Return the intent of an order. Raises NotFound."""
    intent = intents.find_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    return intent
