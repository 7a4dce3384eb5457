"""Which orders a store wants to see (REQUIREMENTS A.2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Every condition must hold; an empty one always does.

    The created instant is in `[created_from, created_to)`. `text` is an order number, or part of the other side's name.
    """

    statuses: Sequence[str] = ()
    fulfillment: Sequence[str] = ()
    shipping: Sequence[str] = ()
    payment: Sequence[str] = ()
    # Only orders that wait for the vendor, and if any statuses are named only those of these.
    actionable: bool = False
    actionable_statuses: Sequence[str] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None
    text: str = ""
