"""Who delivers an order, as fulfillment decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.commerce.orders.domain.order_state import OrderStatus

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

_CALLED_OFF = (OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED)


@dataclass(frozen=True)
class Assignment:
    """An order given to an agent; `version` counts the order's assignments."""

    order_id: uuid.UUID
    agent_user_id: uuid.UUID
    reason: str
    assigned_at: datetime
    version: int


def is_called_off(status: str) -> bool:
    """Return whether nobody brings an order of that status any more, whoever it was given to."""
    return status in _CALLED_OFF
