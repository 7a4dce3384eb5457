"""KPIs from orders and payments (REQUIREMENTS A.9). Money in minor units; days are the market's, America/Chicago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

MARKET_ZONE = ZoneInfo("America/Chicago")
PRESETS = {"7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
DEFAULT_PRESET = "30d"
# Up to here the series has one point per hour, beyond per day.
_HOURLY_UP_TO = timedelta(days=7)
# Orders that came to nothing.
_VOID = {"rejected", "canceled", "expired"}


@dataclass(frozen=True)
class OrderFact:
    """An order as its newest event tells it."""

    ordered_at: datetime
    status: str
    gross_cents: int
    discounts_cents: int


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
class Kpis:
    """The numbers of a window."""

    gmv_cents: int
    orders: int
    aov_cents: int
    gross_revenue_cents: int
    discounts_cents: int
    series: tuple[Point, ...]


def compute_kpis(
    orders: Iterable[OrderFact], payments: Iterable[PaymentFact], *, start: datetime, end: datetime
) -> Kpis:
    """Return the KPIs of `[start, end)`. Orders that came to nothing do not count; AOV is rounded half up."""
    live = [order for order in orders if order.status not in _VOID]
    gmv = sum(order.gross_cents for order in live)
    count = len(live)
    return Kpis(
        gmv_cents=gmv,
        orders=count,
        aov_cents=(2 * gmv + count) // (2 * count) if count else 0,
        gross_revenue_cents=sum(payment.amount_cents for payment in payments),
        discounts_cents=sum(order.discounts_cents for order in live),
        series=tuple(_series(live, start=start, end=end)),
    )


def _series(orders: list[OrderFact], *, start: datetime, end: datetime) -> Iterable[Point]:
    hourly = end - start <= _HOURLY_UP_TO
    sums: dict[datetime, list[int]] = {}
    for order in orders:
        bucket = sums.setdefault(_bucket(order.ordered_at, hourly=hourly), [0, 0])
        bucket[0] += order.gross_cents
        bucket[1] += 1
    current = _bucket(start, hourly=hourly)
    while current < end:
        gross, count = sums.get(current, (0, 0))
        yield Point(current, gross, count)
        current = _next(current, hourly=hourly)


def _bucket(at: datetime, *, hourly: bool) -> datetime:
    """Return the start of the market's hour or day that holds `at`, in UTC: local clocks show one hour twice a year."""
    local = at.astimezone(MARKET_ZONE)
    hour = local.hour if hourly else 0
    return local.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)


def _next(bucket: datetime, *, hourly: bool) -> datetime:
    if hourly:
        return bucket + timedelta(hours=1)
    return (bucket.astimezone(MARKET_ZONE) + timedelta(days=1)).astimezone(UTC)
