"""AnalyticsService: numbers about the market."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.analytics.v1 import analytics_service_pb2 as messages
from services.analytics.reports.domain.windows import MARKETPLACE_PRESETS, VENDOR_PRESETS, Window, window_of
from services.analytics.reports.usecases.compile_report import Report
from services.analytics.reports.usecases.read_marketplace_kpis import read_marketplace_kpis
from services.analytics.reports.usecases.read_vendor_kpis import read_vendor_kpis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from meshkit.db.tx import Tx
    from services.analytics.outbound.ports import Warehouse
    from services.analytics.reports.domain.kpis import Entry

    Request = messages.GetVendorAnalyticsRequest | messages.GetMarketplaceAnalyticsRequest


@dataclass(frozen=True)
class AnalyticsServicer:
    """Translates; the rules are in the use cases."""

    warehouse: Warehouse

    def GetVendorAnalytics(self, request: messages.GetVendorAnalyticsRequest, tx: Tx) -> messages.VendorAnalytics:
        window = _window(request, tx.now, VENDOR_PRESETS)
        return _message(read_vendor_kpis(tx, window=window, warehouse=self.warehouse))

    def GetMarketplaceAnalytics(
        self, request: messages.GetMarketplaceAnalyticsRequest, tx: Tx
    ) -> messages.VendorAnalytics:
        window = _window(request, tx.now, MARKETPLACE_PRESETS)
        return _message(read_marketplace_kpis(tx, window=window, warehouse=self.warehouse))


def _window(request: Request, now: datetime, presets: Mapping[str, timedelta]) -> Window:
    start, end = (
        getattr(request, name).ToDatetime(tzinfo=UTC) if request.HasField(name) else None for name in ("from", "to")
    )
    return window_of(preset=request.preset, start=start, end=end, now=now, presets=presets)


def _message(report: Report) -> messages.VendorAnalytics:
    kpis = report.kpis
    message = messages.VendorAnalytics(
        currency="USD",
        gmv_cents=kpis.gmv_cents,
        orders=kpis.orders,
        aov_cents=kpis.aov_cents,
        gross_revenue_cents=kpis.gross_revenue_cents,
        discounts_cents=kpis.discounts_cents,
        new_customers=kpis.new_customers,
        returning_customers=kpis.returning_customers,
        top_products=_entries(kpis.top_products),
        top_categories=_entries(kpis.top_categories),
        top_classifications=_entries(kpis.top_classifications),
        top_zips=_entries(kpis.top_zips),
    )
    getattr(message, "from").FromDatetime(report.window.start)
    message.to.FromDatetime(report.window.end)
    for point in kpis.series:
        item = message.series.add(gross_revenue_cents=point.gross_cents, orders=point.orders)
        item.start.FromDatetime(point.start)
    return message


def _entries(entries: Iterable[Entry]) -> list[messages.TopEntry]:
    return [messages.TopEntry(**vars(entry)) for entry in entries]
