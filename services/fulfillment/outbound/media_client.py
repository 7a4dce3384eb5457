"""Asks media to take and attach proofs of delivery."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.media.v1 import media_internal_service_pb2 as messages
from marketmesh.media.v1 import media_internal_service_pb2_grpc as stubs
from marketmesh.media.v1 import media_service_pb2
from services.fulfillment.outbound.ports import ProofUpload

if TYPE_CHECKING:
    import uuid

    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


class MediaClient:
    """Media, as fulfillment needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.MediaInternalServiceStub(channel.grpc)

    def presign(
        self,
        call: Call,
        *,
        media_id: uuid.UUID,
        store_id: uuid.UUID,
        user_id: uuid.UUID,
        mime_type: str,
        file_name: str,
        size_bytes: int,
    ) -> ProofUpload:
        """Announce a file under an id of ours; returns where its bytes go."""
        request = messages.PresignForStoreRequest(
            media_id=str(media_id),
            store_id=str(store_id),
            user_id=str(user_id),
            media_kind=media_service_pb2.MediaKind.Value.delivery_proof,
            mime_type=mime_type,
            file_name=file_name,
            size_bytes=size_bytes,
        )
        upload = self._channel.call(self._stub.PresignForStore, request, call=call)
        return ProofUpload(
            media_id=upload.media_id,
            signed_put_url=upload.signed_put_url,
            content_type=upload.content_type,
            expires_at=upload.expires_at.ToDatetime(tzinfo=UTC),
            headers=upload.headers,
        )

    def attach(self, call: Call, *, order_id: uuid.UUID, store_id: uuid.UUID, media_id: uuid.UUID) -> None:
        """Make a file the proof of an order."""
        self._reconcile(call, order_id, store_id, [str(media_id)])

    def detach(self, call: Call, *, order_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Leave an order without proof."""
        self._reconcile(call, order_id, store_id, [])

    def _reconcile(self, call: Call, order_id: uuid.UUID, store_id: uuid.UUID, media_ids: list[str]) -> None:
        request = messages.ReconcileAttachmentsRequest(
            entity_type=messages.AttachmentEntity.Value.delivery_proof,
            entity_id=str(order_id),
            store_id=str(store_id),
            media_ids=media_ids,
            allowed_kinds=[media_service_pb2.MediaKind.Value.delivery_proof],
        )
        self._channel.call(self._stub.ReconcileAttachments, request, call=call)
