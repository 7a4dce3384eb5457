"""Who delivers an order, as fulfillment decides it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from services.commerce.orders.domain.order_state import OrderStatus

_CALLED_OFF = (OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED)


class Assignment(NamedTuple):
    """An order given to an agent, a row of order_assignments; `version` counts the order's assignments."""

    order_id: uuid.UUID
    agent_user_id: uuid.UUID
    reason: str
    assigned_at: datetime
    version: int


def is_called_off(status: str) -> bool:
    """Return whether an order of that status is not brought any more, so that its assignment means nothing."""
    return status in _CALLED_OFF
