"""Keep deliveries true to their payments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.data import deliveries

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def follow_payment(tx: Tx, *, order_id: uuid.UUID, payment_status: str) -> None:
    """Take over where a payment stands."""
    deliveries.change_payment(tx, order_id, payment_status)
