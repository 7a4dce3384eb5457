"""Keep whom fulfillment assigned orders to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import assignments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.assignment import Assignment


def update_assignments(tx: Tx, announced: Iterable[Assignment]) -> None:
    """Keep the newest assignment of each order; an older one changes nothing."""
    assignments.upsert(tx, announced)
