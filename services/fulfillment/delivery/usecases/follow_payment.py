"""Bring deliveries to where their payments stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.usecases.record_collection import record_collection

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.usecases.record_collection import Collected


def follow_payment(tx: Tx, *, order_id: uuid.UUID, payment_status: str, collected: Collected | None = None) -> None:
    """Take over the status of a payment, and who collected the cash."""
    if deliveries.lock(tx, order_id) is None:
        return
    deliveries.change_payment(tx, order_id, payment_status)
    deliveries.call_off_payment(tx, order_id)
    if collected is not None:
        record_collection(tx, collected, order_id=order_id)
