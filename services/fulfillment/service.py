"""Composition root of fulfillment: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from marketmesh.fulfillment.v1 import (
    admin_service_pb2,
    delivery_code_service_pb2,
    delivery_service_pb2,
)
from meshkit.grpc.server import Servicer
from meshkit.service import Parts, ServiceSpec, Wiring
from services.fulfillment.delivery.api.agent_servicer import AgentServicer
from services.fulfillment.delivery.api.delivery_code_servicer import DeliveryCodeServicer
from services.fulfillment.delivery.api.fulfillment_admin_servicer import FulfillmentAdminServicer
from services.fulfillment.delivery.events import consumers
from services.fulfillment.delivery.flows.deliver import ProofTerms
from services.fulfillment.outbound.commerce_client import CommerceClient
from services.fulfillment.outbound.finance_client import FinanceClient
from services.fulfillment.outbound.media_client import MediaClient
from services.fulfillment.schema import metadata
from services.fulfillment.settings import FulfillmentSettings


def wire(parts: Parts) -> Wiring:
    """Build fulfillment from its settings and the chassis's parts."""
    settings = FulfillmentSettings()
    orders, cash = CommerceClient(parts.channel("commerce")), FinanceClient(parts.channel("finance"))
    terms = ProofTerms(settings.proof_of_delivery, settings.delivery_code_key_file.read_bytes().strip())
    return Wiring(
        servicers=(
            Servicer(delivery_service_pb2, AgentServicer(orders, cash, MediaClient(parts.channel("media")), terms)),
            Servicer(admin_service_pb2, FulfillmentAdminServicer()),
            Servicer(delivery_code_service_pb2, DeliveryCodeServicer(terms.code_key)),
        ),
        consumers=consumers(),
    )


SPEC = ServiceSpec(name="fulfillment", metadata=metadata, database_settings=FulfillmentSettings, wire=wire)
