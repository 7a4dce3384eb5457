"""Compute the KPIs of a store from the warehouse's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.analytics.reports.domain.kpis import Kpis, compute_kpis
from services.analytics.reports.domain.windows import Window

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.analytics.outbound.ports import Party, Warehouse


_SPARE_S = 1.0


@dataclass(frozen=True)
class Report:
    """KPIs and the window they are of."""

    window: Window
    kpis: Kpis


def compile_report(tx: Tx, party: Party, *, window: Window, warehouse: Warehouse) -> Report:
    """Return the KPIs of a buyer or vendor. Raises DependencyUnavailable."""
    # Before the caller gives up: a warehouse that hangs is named as what is away, and not we.
    until = tx.outside().deadline - _SPARE_S
    kpis = compute_kpis(
        warehouse.orders_of(party, start=window.start, end=window.end, until=until),
        warehouse.payments_of(party, start=window.start, end=window.end, until=until),
        window=window,
        known_customers=warehouse.customers_before(party, window.start, until=until) if party.is_vendor else None,
    )
    return Report(window, kpis)
