"""Asks media to attach a licence's document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.media.v1 import media_internal_service_pb2 as messages
from marketmesh.media.v1 import media_internal_service_pb2_grpc as stubs
from marketmesh.media.v1 import media_service_pb2

if TYPE_CHECKING:
    import uuid

    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


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

    def detach_license_document(self, call: Call, *, license_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Undo an attachment whose licence could not be filed."""
        request = messages.ReconcileAttachmentsRequest(
            entity_type=messages.AttachmentEntity.Value.license, entity_id=str(license_id), store_id=str(store_id)
        )
        self._channel.call(self._stub.ReconcileAttachments, request, call=call)
