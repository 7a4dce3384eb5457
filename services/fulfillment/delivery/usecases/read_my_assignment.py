"""Read a delivery that an agent has or had: what a repeated call is answered from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.fulfillment.delivery.data import deliveries

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import AgentDelivery


def read_my_assignment(tx: Tx, *, order_id: uuid.UUID) -> AgentDelivery:
    """Return a delivery with the assignment that the calling agent has or once had of it.

    Raises NotFound for what it never had.
    """
    delivery = deliveries.find_ever_of_agent(tx, order_id, tx.principal.require_user)
    if delivery is None:
        raise NotFound
    return delivery
