"""Composition root of analytics: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from datetime import timedelta

from marketmesh.analytics.v1 import analytics_service_pb2
from meshkit.grpc.server import Servicer
from meshkit.jobs import Job
from meshkit.service import Parts, ServiceSpec, Wiring
from services.analytics.outbound.bigquery_warehouse import BigQueryWarehouse
from services.analytics.reports.api.analytics_servicer import AnalyticsServicer
from services.analytics.schema import metadata
from services.analytics.settings import AnalyticsSettings
from services.analytics.store_gates import events as store_gate_events
from services.analytics.warehouse import events as warehouse_events
from services.analytics.warehouse.jobs.load_warehouse import WarehouseLoader
from services.analytics.warehouse.usecases.forget_loaded_rows import forget_loaded_rows


def wire(parts: Parts) -> Wiring:
    """Build analytics from its settings and the chassis's parts."""
    settings = AnalyticsSettings()
    if settings.bigquery_url:
        parts.mesh.require_trial("ANALYTICS_BIGQUERY_URL")
    warehouse = BigQueryWarehouse(settings)
    return Wiring(
        servicers=(Servicer(analytics_service_pb2, AnalyticsServicer(warehouse)),),
        consumers=(*store_gate_events.consumers(), *warehouse_events.consumers()),
        jobs=(Job("forget_loaded_rows", timedelta(hours=1), forget_loaded_rows),),
        loops=(WarehouseLoader(parts.transactions, warehouse).run,),
    )


SPEC = ServiceSpec(name="analytics", metadata=metadata, database_settings=AnalyticsSettings, wire=wire)
