"""Read a store's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.analytics.errors import SubscriptionNeeded
from services.analytics.outbound.ports import Party
from services.analytics.reports.domain.kpis import Kpis, compute_kpis
from services.analytics.reports.domain.windows import Window
from services.analytics.store_gates.usecases.is_subscribed import is_subscribed

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.analytics.outbound.ports import Warehouse


_SPARE_S = 1.0


@dataclass(frozen=True)
class Report:
    """KPIs and the window they are of."""

    window: Window
    kpis: Kpis


def read_vendor_kpis(tx: Tx, *, window: Window, warehouse: Warehouse) -> Report:
    """Return the calling vendor's KPIs. Raises SubscriptionNeeded, DependencyUnavailable."""
    if not is_subscribed(tx, store_id=tx.principal.require_store):
        raise SubscriptionNeeded(needs="active subscription")
    return _report(tx, Party("vendor", tx.principal.require_store), window, warehouse)


def read_marketplace_kpis(tx: Tx, *, window: Window, warehouse: Warehouse) -> Report:
    """Return what the calling store sold, or bought if it is a buyer. Raises DependencyUnavailable.

    A vendor without an active subscription is a buyer only (REQUIREMENTS A.6.1).
    """
    store_id = tx.principal.require_store
    sells = tx.principal.store_type == "vendor" and is_subscribed(tx, store_id=store_id)
    return _report(tx, Party("vendor" if sells else "buyer", store_id), window, warehouse)


def _report(tx: Tx, party: Party, window: Window, warehouse: Warehouse) -> Report:
    # Before the caller gives up: a warehouse that hangs is named as what is away, and not we.
    until = tx.outside().deadline - _SPARE_S
    kpis = compute_kpis(
        warehouse.orders_of(party, start=window.start, end=window.end, until=until),
        warehouse.payments_of(party, start=window.start, end=window.end, until=until),
        window=window,
        known_customers=warehouse.customers_before(party, window.start, until=until) if party.is_vendor else None,
    )
    return Report(window, kpis)
