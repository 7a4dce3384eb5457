"""Lock the payments of orders: whoever changes them, here or in a sibling, begins with this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.payments.data import intents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def lock_payment(tx: Tx, *, order_id: uuid.UUID) -> Intent:
    """Return an order's intent, which nobody else changes until commit. Raises NotFound."""
    intent = intents.lock_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    return intent


def lock_payments(tx: Tx, *, order_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Return the intents of those of the orders that have one, in the order of their ids."""
    return intents.lock_many(tx, order_ids)


def lock_due_payments(tx: Tx, *, vendor_store_id: uuid.UUID | None, counted_only: bool, limit: int) -> list[Intent]:
    """Return intents whose vendor can be paid, of one vendor or of all; the oldest deliveries first."""
    return intents.lock_due(tx, vendor_store_id=vendor_store_id, counted_only=counted_only, limit=limit)
