"""Read a delivery with its history, as administrators see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.fulfillment.delivery.data import assignments, deliveries

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.assignments import Assignment
    from services.fulfillment.delivery.data.deliveries import Delivery


def read_order_delivery(tx: Tx, *, order_id: uuid.UUID) -> tuple[Delivery, Sequence[Assignment]]:
    """Return a delivery and everybody who ever had it, oldest first. Raises NotFound."""
    delivery = deliveries.find_with_assignment(tx, order_id)
    if delivery is None:
        raise NotFound
    return delivery, assignments.of_order(tx, order_id)
