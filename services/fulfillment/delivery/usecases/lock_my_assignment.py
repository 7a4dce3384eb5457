"""Keep what an agent has or had of a delivery from changing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.usecases.read_my_assignment import read_my_assignment

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import AgentDelivery


def lock_my_assignment(tx: Tx, *, order_id: uuid.UUID) -> AgentDelivery:
    """Return what `read_my_assignment` does, with the delivery locked until commit. Raises NotFound."""
    deliveries.lock(tx, order_id)
    return read_my_assignment(tx, order_id=order_id)
