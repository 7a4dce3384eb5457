"""Show the buyer the one-time code that the agent will ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.proof import delivery_code
from services.fulfillment.delivery.usecases.require_on_its_way import require_on_its_way

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def read_delivery_code(tx: Tx, *, order_id: uuid.UUID, key: bytes) -> str:
    """Return the code of an order of the calling buyer. Raises NotFound, DeliveryStateInvalid."""
    delivery = deliveries.find_of_buyer(tx, order_id, tx.principal.require_store)
    if delivery is None:
        raise NotFound
    require_on_its_way(delivery)
    return delivery_code(key, order_id=order_id, issue=delivery.code_issue)
