"""Composition root of fulfillment: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from marketmesh.fulfillment.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    delivery_service_pb2,
    delivery_service_pb2_grpc,
)
from meshkit.grpc.server import Servicer
from meshkit.service import Parts, ServiceSpec, Wiring
from services.fulfillment.api.agent_servicer import AgentServicer
from services.fulfillment.api.fulfillment_admin_servicer import FulfillmentAdminServicer
from services.fulfillment.data.tables import metadata
from services.fulfillment.events.handlers import consumers
from services.fulfillment.outbound.commerce_client import CommerceClient
from services.fulfillment.outbound.finance_client import FinanceClient
from services.fulfillment.settings import FulfillmentSettings


def wire(parts: Parts) -> Wiring:
    """Build fulfillment from its settings and the chassis's parts."""
    orders, cash = CommerceClient(parts.channel("commerce")), FinanceClient(parts.channel("finance"))
    return Wiring(
        servicers=(
            Servicer(
                delivery_service_pb2.DESCRIPTOR.services_by_name["AgentService"],
                delivery_service_pb2_grpc.add_AgentServiceServicer_to_server,
                AgentServicer(orders, cash),
            ),
            Servicer(
                admin_service_pb2.DESCRIPTOR.services_by_name["FulfillmentAdminService"],
                admin_service_pb2_grpc.add_FulfillmentAdminServiceServicer_to_server,
                FulfillmentAdminServicer(),
            ),
        ),
        consumers=consumers(),
    )


SPEC = ServiceSpec(name="fulfillment", metadata=metadata, database_settings=FulfillmentSettings, wire=wire)
