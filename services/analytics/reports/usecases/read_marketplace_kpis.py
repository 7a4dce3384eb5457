"""Read what a store sells or buys on the marketplace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.analytics.outbound.ports import Party
from services.analytics.reports.usecases.compile_report import compile_report
from services.analytics.store_gates.usecases.is_subscribed import is_subscribed

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.analytics.outbound.ports import Warehouse
    from services.analytics.reports.domain.windows import Window
    from services.analytics.reports.usecases.compile_report import Report


def read_marketplace_kpis(tx: Tx, *, window: Window, warehouse: Warehouse) -> Report:
    """Return what the calling store sold, or bought if it is a buyer. Raises DependencyUnavailable.

    A vendor without an active subscription is a buyer only (REQUIREMENTS A.6.1).
    """
    store_id = tx.principal.require_store
    sells = tx.principal.store_type == "vendor" and is_subscribed(tx, store_id=store_id)
    return compile_report(tx, Party("vendor" if sells else "buyer", store_id), window=window, warehouse=warehouse)
