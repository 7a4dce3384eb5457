"""A delivery has a code from when it can be dispatched until it is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.delivery.domain.assignment import DISPATCHABLE_STATES, state_in_words
from services.fulfillment.errors import DeliveryStateInvalid

if TYPE_CHECKING:
    from services.fulfillment.delivery.data.deliveries import DeliveryState

_ON_ITS_WAY = (*DISPATCHABLE_STATES, "in_transit")


def require_on_its_way(delivery: DeliveryState) -> None:
    """Raise DeliveryStateInvalid before that and after it."""
    # An order on hold for its money may have been delivered long since.
    if delivery.order_status not in _ON_ITS_WAY or delivery.shipping_status == "delivered":
        state = state_in_words(delivery.order_status, delivery.shipping_status)
        raise DeliveryStateInvalid(state=state, allowed=", ".join(_ON_ITS_WAY))
