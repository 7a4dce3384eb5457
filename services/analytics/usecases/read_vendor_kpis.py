"""Read a vendor's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.analytics.data import gates
from services.analytics.domain.kpis import DEFAULT_PRESET, PRESETS, Kpis, compute_kpis
from services.analytics.errors import SubscriptionNeeded

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.db.tx import Tx
    from services.analytics.outbound.ports import Warehouse


@dataclass(frozen=True)
class Report:
    """KPIs and the window they are of."""

    start: datetime
    end: datetime
    kpis: Kpis


def read_vendor_kpis(tx: Tx, *, preset: str, warehouse: Warehouse) -> Report:
    """Return the calling vendor's KPIs up to now. Raises SubscriptionNeeded, DependencyUnavailable."""
    vendor = tx.principal.require_store
    if not gates.is_subscribed(tx, vendor):
        raise SubscriptionNeeded(needs="active subscription")
    end = tx.now
    start = end - PRESETS[preset or DEFAULT_PRESET]
    kpis = compute_kpis(
        warehouse.orders_of_vendor(vendor, start=start, end=end),
        warehouse.payments_of_vendor(vendor, start=start, end=end),
        start=start,
        end=end,
    )
    return Report(start, end, kpis)
