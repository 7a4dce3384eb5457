"""Composition root of identity: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from datetime import timedelta

import redis

from marketmesh.identity.v1 import (
    auth_service_pb2,
    auth_service_pb2_grpc,
    store_service_pb2,
    store_service_pb2_grpc,
)
from meshkit.grpc.server import Servicer
from meshkit.service import Parts, ServiceSpec, Wiring
from services.identity.api.auth_servicer import AuthServicer
from services.identity.api.store_servicer import StoreServicer
from services.identity.data.tables import metadata
from services.identity.jobs.publish_revocations import RevocationPublisher
from services.identity.outbound.passwords import Passwords
from services.identity.outbound.tokens import TokenMint
from services.identity.settings import IdentitySettings
from services.identity.usecases.open_session import TokenKit


def wire(parts: Parts) -> Wiring:
    """Build identity from its settings and the chassis's parts."""
    settings = IdentitySettings()
    mint = TokenMint(
        signing_key_file=settings.signing_key_file,
        access_lifetime=timedelta(minutes=settings.access_token_minutes),
    )
    kit = TokenKit(
        mint,
        refresh_lifetime=timedelta(minutes=settings.refresh_token_minutes),
        refresh_grace=timedelta(seconds=settings.refresh_grace_seconds),
    )
    passwords = Passwords(workers=settings.hash_workers, waiting=settings.hash_waiting)
    client = redis.Redis.from_url(parts.mesh.redis_url, socket_timeout=2, socket_connect_timeout=2)
    return Wiring(
        servicers=(
            Servicer(
                auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
                auth_service_pb2_grpc.add_AuthServiceServicer_to_server,
                AuthServicer(passwords, kit, parts.mesh.is_production),
            ),
            Servicer(
                store_service_pb2.DESCRIPTOR.services_by_name["StoreService"],
                store_service_pb2_grpc.add_StoreServiceServicer_to_server,
                StoreServicer(),
            ),
        ),
        loops=(RevocationPublisher(parts.transactions, client).run,),
        public_keys=mint.public_keys,
    )


SPEC = ServiceSpec(name="identity", metadata=metadata, database_settings=IdentitySettings, wire=wire)
