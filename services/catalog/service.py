"""Composition root of catalog: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from marketmesh.catalog.v1 import (
    admin_service_pb2,
    catalog_internal_service_pb2,
    inventory_service_pb2,
    product_service_pb2,
    product_sheet_service_pb2,
)
from meshkit.grpc.server import Servicer
from meshkit.service import Parts, ServiceSpec, Wiring
from services.catalog.outbound.commerce_client import CommerceClient
from services.catalog.outbound.media_client import MediaClient
from services.catalog.products.api.admin_servicer import CatalogAdminServicer
from services.catalog.products.api.product_servicer import ProductServicer
from services.catalog.products.api.sheet_servicer import ProductSheetServicer
from services.catalog.products.jobs.undo_given_up_galleries import given_up_galleries
from services.catalog.schema import metadata
from services.catalog.settings import CatalogSettings
from services.catalog.stock import events as stock_events
from services.catalog.stock.api.internal_servicer import CatalogInternalServicer
from services.catalog.stock.api.inventory_servicer import InventoryServicer
from services.catalog.stock.jobs.settle_reservations import ReservationSweep
from services.catalog.store_gates import events as store_gate_events


def wire(parts: Parts) -> Wiring:
    """Build catalog from its settings and the chassis's parts."""
    settings = CatalogSettings()
    media, checkouts = MediaClient(parts.channel("media")), CommerceClient(parts.channel("commerce"))
    return Wiring(
        servicers=(
            Servicer(product_service_pb2, ProductServicer(media, media, settings.unverified_may_browse)),
            Servicer(inventory_service_pb2, InventoryServicer()),
            Servicer(admin_service_pb2, CatalogAdminServicer()),
            Servicer(product_sheet_service_pb2, ProductSheetServicer()),
            Servicer(catalog_internal_service_pb2, CatalogInternalServicer()),
        ),
        consumers=(*store_gate_events.consumers(), *stock_events.consumers()),
        loops=(
            given_up_galleries(parts.transactions, media).run,
            ReservationSweep(parts.transactions, checkouts, settings.expiry_seconds).run,
        ),
    )


SPEC = ServiceSpec(name="catalog", metadata=metadata, database_settings=CatalogSettings, wire=wire)
