"""Composition root of media: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from datetime import timedelta

from marketmesh.media.v1 import (
    media_internal_service_pb2,
    media_service_pb2,
)
from meshkit.grpc.server import Servicer
from meshkit.jobs import Job
from meshkit.service import Parts, ServiceSpec, Wiring
from services.media.files.api.internal_servicer import MediaInternalServicer
from services.media.files.api.media_servicer import MediaServicer
from services.media.files.events import consumers
from services.media.files.jobs.keep_bucket import BucketKeeper
from services.media.files.jobs.look_at_uploads import UploadInspector
from services.media.files.usecases.remove_stale_pending import remove_stale_pending
from services.media.outbound.object_store import ObjectStore
from services.media.schema import metadata
from services.media.settings import MediaSettings


def wire(parts: Parts) -> Wiring:
    """Build media from its settings and the chassis's parts."""
    settings = MediaSettings()
    if settings.is_storage_local:
        parts.mesh.require_trial("MEDIA_STORAGE_URL with http://")
    objects = ObjectStore(
        signing_key_file=settings.signing_key_file,
        storage_url=settings.storage_url,
        bucket=settings.bucket,
        upload_lifetime=timedelta(minutes=settings.upload_url_minutes),
        read_lifetime=timedelta(hours=settings.read_url_hours),
        timeout_s=settings.storage_timeout_seconds,
    )
    return Wiring(
        servicers=(
            Servicer(media_service_pb2, MediaServicer(signer=objects, objects=objects)),
            Servicer(media_internal_service_pb2, MediaInternalServicer(signer=objects)),
        ),
        consumers=consumers(),
        jobs=(Job("remove_stale_pending", timedelta(hours=1), remove_stale_pending),),
        loops=(
            UploadInspector(parts.transactions, finder=objects, remover=objects).run,
            *((BucketKeeper(objects).run,) if settings.is_storage_local else ()),
        ),
    )


SPEC = ServiceSpec(name="media", metadata=metadata, database_settings=MediaSettings, wire=wire)
