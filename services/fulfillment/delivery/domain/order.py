"""Orders as commerce reports them, as far as a delivery depends on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable
    from datetime import datetime

# In these an order needs no agent any more.
_OVER = {"closed", "canceled", "rejected", "expired"}
_DELIVERED_LINES = {"pending", "accepted", "fulfilled", "hold"}


@dataclass(frozen=True, slots=True)
class Steps:
    """What commerce recorded of a delivery: who took which step, and when."""

    picked_up_by: uuid.UUID | None = None
    picked_up_at: datetime | None = None
    delivered_by: uuid.UUID | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order in one version of it; an empty status or reason is none."""

    order_id: uuid.UUID
    version: int
    status: str
    hold_reason: str
    shipping_status: str
    total_cents: int
    steps: Steps = field(default_factory=Steps)

    @property
    def is_over(self) -> bool:
        """Whether its agent has nothing more to do with it."""
        return self.status in _OVER


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An order that can be dispatched, with what its agent needs to know."""

    order: Order
    order_number: int
    payment_method: str
    currency: str
    total_items: int
    buyer_store_id: uuid.UUID
    buyer_store_name: str
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    created_at: datetime

    @property
    def payment_status(self) -> str:
        """The status of its payment before finance has reported anything."""
        return "unpaid" if self.payment_method == "cash" else "pending"


def count_items(lines: Iterable[tuple[str, int]]) -> int:
    """Return how many units an order's lines bring to its buyer; a line is its status and its units."""
    return sum(units for status, units in lines if status in _DELIVERED_LINES)
