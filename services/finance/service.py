"""Composition root of finance: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from marketmesh.finance.v1 import (
    finance_internal_service_pb2,
    finance_internal_service_pb2_grpc,
    payout_service_pb2,
    payout_service_pb2_grpc,
)
from meshkit.grpc.server import Servicer
from meshkit.service import Parts, ServiceSpec, Wiring
from services.finance.api.finance_admin_servicer import FinanceAdminServicer
from services.finance.api.finance_internal_servicer import FinanceInternalServicer
from services.finance.data.tables import metadata
from services.finance.events.handlers import consumers
from services.finance.settings import FinanceSettings


def wire(parts: Parts) -> Wiring:  # noqa: ARG001
    """Build finance from its settings and the chassis's parts."""
    return Wiring(
        servicers=(
            Servicer(
                payout_service_pb2.DESCRIPTOR.services_by_name["FinanceAdminService"],
                payout_service_pb2_grpc.add_FinanceAdminServiceServicer_to_server,
                FinanceAdminServicer(),
            ),
            Servicer(
                finance_internal_service_pb2.DESCRIPTOR.services_by_name["FinanceInternalService"],
                finance_internal_service_pb2_grpc.add_FinanceInternalServiceServicer_to_server,
                FinanceInternalServicer(),
            ),
        ),
        consumers=consumers(FinanceSettings()),
    )


SPEC = ServiceSpec(name="finance", metadata=metadata, database_settings=FinanceSettings, wire=wire)
