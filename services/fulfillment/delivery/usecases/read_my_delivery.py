"""Read a delivery that an agent has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.fulfillment.delivery.data import deliveries

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import AgentDelivery


def read_my_delivery(tx: Tx, *, order_id: uuid.UUID) -> AgentDelivery:
    """Return a delivery of the calling agent. Raises NotFound for anybody else's."""
    delivery = deliveries.find_of_agent(tx, order_id, tx.principal.require_user)
    if delivery is None:
        raise NotFound
    return delivery
