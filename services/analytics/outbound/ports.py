"""What analytics needs from outside, as its use cases see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, Protocol, TypedDict

from services.analytics.reports.domain.kpis import LineFact

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.db.rows import JsonObject
    from services.analytics.reports.domain.kpis import OrderFact, PaymentFact


FOREVER = float("inf")


@dataclass(frozen=True)
class Party:
    """A store on its side of the market."""

    type: str
    store_id: uuid.UUID

    @property
    def is_vendor(self) -> bool:
        """Whether the store sells."""
        return self.type == "vendor"


class Warehouse(Protocol):
    """Where the rows of all events are kept.

    Readers say until when, on the clock of `time.monotonic`, they can wait. All raise DependencyUnavailable.
    """

    def load(self, rows: Sequence[JsonObject]) -> None:
        """Add rows that are not there yet, recognised by `event_id`. Raises DependencyUnavailable."""
        ...

    def orders_of(self, party: Party, *, start: datetime, end: datetime, until: float = FOREVER) -> list[OrderFact]:
        """Return a store's orders made in `[start, end)`, each once, as its newest event tells it."""
        ...

    def payments_of(self, party: Party, *, start: datetime, end: datetime, until: float = FOREVER) -> list[PaymentFact]:
        """Return what a store's orders brought in `[start, end)`, so that windows that meet count each order once.

        An order counts when its vendor is paid, until then when its cash is collected (REQUIREMENTS A.9).
        """
        ...

    def customers_before(self, party: Party, instant: datetime, *, until: float = FOREVER) -> set[str]:
        """Return the buyers with an order of this vendor that was paid before an instant."""
        ...


class LineItem(TypedDict):
    """A line as an order's row holds it; the oldest rows say less."""

    product_id: str
    product_name: str
    category: NotRequired[str]
    classification: NotRequired[str]
    total_cents: NotRequired[int]
    status: NotRequired[str]


def lines_of(items: Sequence[LineItem]) -> tuple[LineFact, ...]:
    """Return an order's lines as its row holds them (`usecases/record_orders.py`)."""
    return tuple(
        LineFact(
            product_id=item["product_id"],
            product_name=item["product_name"],
            category=item.get("category", ""),
            classification=item.get("classification", ""),
            total_cents=item.get("total_cents", 0),
            status=item.get("status", ""),
        )
        for item in items
    )
