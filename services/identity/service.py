"""Composition root of identity: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import redis

from marketmesh.identity.v1 import (
    admin_service_pb2,
    auth_service_pb2,
    license_service_pb2,
    notification_service_pb2,
    store_service_pb2,
)
from meshkit.grpc.server import Servicer
from meshkit.jobs import Job
from meshkit.service import Parts, ServiceSpec, Wiring
from services.identity.accounts.api.admin_servicer import IdentityAdminServicer
from services.identity.licenses.api.license_servicer import LicenseServicer
from services.identity.licenses.jobs.undo_given_up_licenses import given_up_licenses
from services.identity.notifications.api.notification_servicer import NotificationServicer
from services.identity.notifications.events import consumers
from services.identity.notifications.usecases.forget_notifications import forget_notifications
from services.identity.outbound.media_client import MediaClient
from services.identity.outbound.passwords import Passwords
from services.identity.outbound.tokens import TokenMint
from services.identity.schema import metadata
from services.identity.sessions.api.auth_servicer import AuthServicer
from services.identity.sessions.jobs.publish_revocations import RevocationPublisher
from services.identity.sessions.usecases.issue_tokens import TokenKit
from services.identity.settings import IdentitySettings
from services.identity.stores.api.store_servicer import StoreServicer
from services.identity.stores.jobs.undo_given_up_logos import given_up_logos


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
    media = MediaClient(parts.channel("media"))
    return Wiring(
        servicers=(
            Servicer(auth_service_pb2, AuthServicer(passwords, kit, parts.mesh.dev_routes, parts.transactions)),
            Servicer(store_service_pb2, StoreServicer(media)),
            Servicer(license_service_pb2, LicenseServicer(media)),
            Servicer(admin_service_pb2, IdentityAdminServicer(passwords, media)),
            Servicer(notification_service_pb2, NotificationServicer()),
        ),
        consumers=consumers(),
        jobs=(
            Job(
                "forget_notifications",
                timedelta(minutes=10),
                partial(forget_notifications, days=settings.notification_days),
            ),
        ),
        loops=(
            RevocationPublisher(parts.transactions, client).run,
            given_up_licenses(parts.transactions, media).run,
            given_up_logos(parts.transactions, media).run,
        ),
        public_keys=mint.public_keys,
    )


SPEC = ServiceSpec(name="identity", metadata=metadata, database_settings=IdentitySettings, wire=wire)
