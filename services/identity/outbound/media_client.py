"""Asks media to attach documents of licences and logos of stores."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.media.v1 import media_internal_service_pb2 as messages
from marketmesh.media.v1 import media_internal_service_pb2_grpc as stubs
from marketmesh.media.v1 import media_service_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.call import Call
    from meshkit.grpc.channel import Channel

# A list without URLs is better than one that is late.
_SIGN_SECONDS = 1.0


class MediaClient:
    """Media, as identity needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.MediaInternalServiceStub(channel.grpc)

    def attach_license_document(
        self, call: Call, *, license_id: uuid.UUID, store_id: uuid.UUID, media_id: uuid.UUID
    ) -> None:
        """Attach the document; doing it again changes nothing. Raises RemoteRefusal, DependencyUnavailable."""
        request = messages.ReconcileAttachmentsRequest(
            entity_type=messages.AttachmentEntity.Value.license,
            entity_id=str(license_id),
            store_id=str(store_id),
            media_ids=[str(media_id)],
            allowed_kinds=[media_service_pb2.MediaKind.Value.license_doc],
        )
        self._channel.call(self._stub.ReconcileAttachments, request, call=call)

    def read_urls(self, call: Call, media_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """Return URLs of those documents that may be read. Raises DependencyUnavailable."""
        request = messages.SignReadUrlsRequest(media_ids=[str(media_id) for media_id in media_ids])
        answer = self._channel.call(self._stub.SignReadUrls, request, call=call, timeout_s=_SIGN_SECONDS)
        return {uuid.UUID(item.media_id): item.url for item in answer.urls}

    def detach_license_document(self, call: Call, *, license_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Undo an attachment whose licence could not be filed."""
        request = messages.ReconcileAttachmentsRequest(
            entity_type=messages.AttachmentEntity.Value.license, entity_id=str(license_id), store_id=str(store_id)
        )
        self._channel.call(self._stub.ReconcileAttachments, request, call=call)

    def attach_logo(self, call: Call, *, store_id: uuid.UUID, media_id: uuid.UUID | None) -> None:
        """Attach exactly this file, or none; again changes nothing. Raises RemoteRefusal, DependencyUnavailable."""
        request = messages.ReconcileAttachmentsRequest(
            entity_type=messages.AttachmentEntity.Value.store_logo,
            entity_id=str(store_id),
            store_id=str(store_id),
            media_ids=[str(media_id)] if media_id else [],
            allowed_kinds=[media_service_pb2.MediaKind.Value.store],
        )
        self._channel.call(self._stub.ReconcileAttachments, request, call=call)
