"""Read how a vendor does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.analytics.errors import SubscriptionNeeded
from services.analytics.outbound.ports import Party
from services.analytics.reports.usecases.compile_report import compile_report
from services.analytics.store_gates.usecases.is_subscribed import is_subscribed

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.analytics.outbound.ports import Warehouse
    from services.analytics.reports.domain.windows import Window
    from services.analytics.reports.usecases.compile_report import Report


def read_vendor_kpis(tx: Tx, *, window: Window, warehouse: Warehouse) -> Report:
    """Return the calling vendor's KPIs. Raises SubscriptionNeeded, DependencyUnavailable."""
    if not is_subscribed(tx, store_id=tx.principal.require_store):
        raise SubscriptionNeeded(needs="active subscription")
    return compile_report(tx, Party("vendor", tx.principal.require_store), window=window, warehouse=warehouse)
