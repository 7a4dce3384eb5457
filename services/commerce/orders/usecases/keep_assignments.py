"""Remember whom fulfillment gave orders to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import assignments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.assignment import Assignment


def keep_assignments(tx: Tx, told: Iterable[Assignment]) -> None:
    """Keep the newest assignment of each order; old news changes nothing."""
    assignments.keep(tx, told)
