"""KPIs from orders and payments (REQUIREMENTS A.9). Money in minor units."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from services.analytics.reports.domain.windows import Window

TOP = 5
_CENTS_MAX = 2**63 - 1
# Orders that came to nothing.
_VOID = {"rejected", "canceled", "expired"}
_REJECTED_LINE = "rejected"


@dataclass(frozen=True)
class LineFact:
    """A line of an order."""

    product_id: str
    product_name: str
    category: str
    classification: str
    total_cents: int
    status: str


@dataclass(frozen=True)
class OrderFact:
    """An order as its newest event tells it."""

    ordered_at: datetime
    status: str
    gross_cents: int
    discounts_cents: int
    buyer_store_id: str = ""
    buyer_zip: str = ""
    lines: tuple[LineFact, ...] = ()


@dataclass(frozen=True)
class PaymentFact:
    """Money collected for an order, once per order."""

    paid_at: datetime
    amount_cents: int


@dataclass(frozen=True)
class Point:
    """One bucket of the series."""

    start: datetime
    gross_cents: int
    orders: int


@dataclass(frozen=True)
class Entry:
    """One line of a top list."""

    key: str
    name: str
    revenue_cents: int


@dataclass(frozen=True)
class Kpis:
    """The numbers of a window."""

    gmv_cents: int
    orders: int
    aov_cents: int
    gross_revenue_cents: int
    discounts_cents: int
    new_customers: int
    returning_customers: int
    series: tuple[Point, ...]
    top_products: tuple[Entry, ...]
    top_categories: tuple[Entry, ...]
    top_classifications: tuple[Entry, ...]
    top_zips: tuple[Entry, ...]


def compute_kpis(
    orders: Iterable[OrderFact],
    payments: Iterable[PaymentFact],
    *,
    window: Window,
    known_customers: Collection[str] | None = None,
) -> Kpis:
    """Return the KPIs of a window. Orders that came to nothing do not count; AOV is rounded half up.

    Raises ValidationError when a sum does not fit the answer.

    `known_customers` are buyers with a paid order before the window; None: nobody is counted as a customer.
    """
    live = [order for order in orders if order.status not in _VOID]
    gmv = sum(order.gross_cents for order in live)
    gross, discounts = sum(payment.amount_cents for payment in payments), sum(order.discounts_cents for order in live)
    if max(gmv, gross, discounts) > _CENTS_MAX:
        raise ValidationError.of("from", "has sums larger than a number can hold; ask for a shorter window")
    count = len(live)
    lines = [line for order in live for line in order.lines if line.status != _REJECTED_LINE]
    customers = set() if known_customers is None else {order.buyer_store_id for order in live}
    returning = len(customers & set(known_customers or ()))
    return Kpis(
        gmv_cents=gmv,
        orders=count,
        aov_cents=(2 * gmv + count) // (2 * count) if count else 0,
        gross_revenue_cents=gross,
        discounts_cents=discounts,
        new_customers=len(customers) - returning,
        returning_customers=returning,
        series=_series(live, window),
        top_products=_top((line.product_id, line.product_name, line.total_cents) for line in lines),
        top_categories=_top((line.category, line.category, line.total_cents) for line in lines),
        top_classifications=_top((line.classification, line.classification, line.total_cents) for line in lines),
        top_zips=_top((order.buyer_zip, order.buyer_zip, order.gross_cents) for order in live),
    )


def _series(orders: list[OrderFact], window: Window) -> tuple[Point, ...]:
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for order in orders:
        bucket = sums[window.bucket_of(order.ordered_at)]
        bucket[0] += order.gross_cents
        bucket[1] += 1
    return tuple(Point(start, *sums.get(start, (0, 0))) for start in window.buckets())


def _top(amounts: Iterable[tuple[str, str, int]]) -> tuple[Entry, ...]:
    """Return the first by revenue; what has no key (a product without classification) is in no list."""
    names: dict[str, str] = {}
    sums: dict[str, int] = defaultdict(int)
    for key, name, cents in amounts:
        if key:
            names[key] = name
            sums[key] += cents
    first = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return tuple(Entry(key, names[key], cents) for key, cents in first)
