"""AnalyticsService: numbers about the market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.analytics.v1 import analytics_service_pb2 as messages
from services.analytics.usecases.read_vendor_kpis import Report, read_vendor_kpis

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.analytics.outbound.ports import Warehouse


@dataclass(frozen=True)
class AnalyticsServicer:
    """Translates; the rules are in the use cases."""

    warehouse: Warehouse

    def GetVendorAnalytics(self, request: messages.GetVendorAnalyticsRequest, tx: Tx) -> messages.VendorAnalytics:
        """See the contract."""
        return _message(read_vendor_kpis(tx, preset=request.preset, warehouse=self.warehouse))


def _message(report: Report) -> messages.VendorAnalytics:
    kpis = report.kpis
    message = messages.VendorAnalytics(
        currency="USD",
        gmv_cents=kpis.gmv_cents,
        orders=kpis.orders,
        aov_cents=kpis.aov_cents,
        gross_revenue_cents=kpis.gross_revenue_cents,
        discounts_cents=kpis.discounts_cents,
    )
    getattr(message, "from").FromDatetime(report.start)
    message.to.FromDatetime(report.end)
    for point in kpis.series:
        item = message.series.add(gross_revenue_cents=point.gross_cents, orders=point.orders)
        item.start.FromDatetime(point.start)
    return message
