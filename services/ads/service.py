"""Composition root of ads: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from marketmesh.ads.v1 import ad_service_pb2
from meshkit.grpc.server import Servicer
from meshkit.service import Parts, ServiceSpec, Wiring
from services.ads.campaigns.api.ad_servicer import AdServicer
from services.ads.outbound.ad_tokens import AdTokens
from services.ads.outbound.catalog_client import CatalogClient
from services.ads.schema import metadata
from services.ads.settings import AdsSettings
from services.ads.store_gates.events import consumers


def wire(parts: Parts) -> Wiring:
    """Build ads from its settings and the chassis's parts."""
    settings = AdsSettings()
    return Wiring(
        servicers=(
            Servicer(
                ad_service_pb2,
                AdServicer(AdTokens(key_file=settings.token_key_file), CatalogClient(parts.channel("catalog"))),
            ),
        ),
        consumers=consumers(),
    )


SPEC = ServiceSpec(name="ads", metadata=metadata, database_settings=AdsSettings, wire=wire)
