"""What analytics needs from outside, as its use cases see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from services.analytics.domain.kpis import OrderFact, PaymentFact


class Warehouse(Protocol):
    """Where the rows of all events are kept."""

    def load(self, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows that are not there yet, told by `event_id`. Raises DependencyUnavailable."""
        ...

    def orders_of_vendor(self, vendor_store_id: uuid.UUID, *, start: datetime, end: datetime) -> list[OrderFact]:
        """Return a vendor's orders made in `[start, end)`, each once, as its newest event tells it."""
        ...

    def payments_of_vendor(self, vendor_store_id: uuid.UUID, *, start: datetime, end: datetime) -> list[PaymentFact]:
        """Return what was collected for a vendor in `[start, end)`, once per order."""
        ...
