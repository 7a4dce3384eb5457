"""Replace a delivery code that was lost, told to the wrong one, or locked after too many tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.usecases.require_on_its_way import require_on_its_way

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def reset_delivery_code(tx: Tx, *, order_id: uuid.UUID, reason: str) -> None:
    """Give the buyer another code, with all attempts. Raises NotFound, DeliveryStateInvalid."""
    delivery = deliveries.lock(tx, order_id)
    if delivery is None:
        raise NotFound
    require_on_its_way(delivery)
    deliveries.issue_code(tx, order_id)
    tx.audit(
        target=order_id,
        before={"code_failures": delivery.code_failures},
        after={"code_failures": 0, "reason": reason},
    )
