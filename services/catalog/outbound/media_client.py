"""Asks media to attach a product's files, and for URLs of pictures."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.media.v1 import media_internal_service_pb2 as messages
from marketmesh.media.v1 import media_internal_service_pb2_grpc as stubs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.call import Call
    from meshkit.grpc.channel import Channel

# A list without pictures is better than one that is late.
_SIGN_SECONDS = 1.0


class MediaClient:
    """Media, as catalog needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.MediaInternalServiceStub(channel.grpc)

    def attach(
        self, call: Call, *, product_id: uuid.UUID, store_id: uuid.UUID, media_ids: Sequence[uuid.UUID]
    ) -> list[tuple[uuid.UUID, str]]:
        """Attach exactly these; returns ids with object keys, in order. Raises RemoteRefusal, DependencyUnavailable."""
        attached = self._reconcile(call, "product_gallery", product_id, store_id, media_ids, kind="product")
        return [(uuid.UUID(item.media_id), item.gcs_key) for item in attached]

    def attach_coa(self, call: Call, *, product_id: uuid.UUID, store_id: uuid.UUID, media_id: uuid.UUID | None) -> None:
        """Make a file the product's certificate of analysis, or none."""
        self._reconcile(call, "product_coa", product_id, store_id, [media_id] if media_id else [], kind="coa")

    def detach_all(self, call: Call, *, product_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Detach all files of a product."""
        self._reconcile(call, "product_gallery", product_id, store_id, [], kind="product")
        self._reconcile(call, "product_coa", product_id, store_id, [], kind="coa")

    def _reconcile(
        self,
        call: Call,
        entity: str,
        product_id: uuid.UUID,
        store_id: uuid.UUID,
        media_ids: Sequence[uuid.UUID],
        *,
        kind: str,
    ) -> Sequence[messages.AttachedMedia]:
        request = messages.ReconcileAttachmentsRequest(
            entity_type=entity,
            entity_id=str(product_id),
            store_id=str(store_id),
            media_ids=[str(media_id) for media_id in media_ids],
            allowed_kinds=[kind],
        )
        answer = self._channel.call(self._stub.ReconcileAttachments, request, call=call)
        return list(answer.media)

    def read_urls(self, call: Call, media_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """Return URLs of those files that may be read. Raises DependencyUnavailable."""
        request = messages.SignReadUrlsRequest(media_ids=[str(media_id) for media_id in media_ids])
        answer = self._channel.call(self._stub.SignReadUrls, request, call=call, timeout_s=_SIGN_SECONDS)
        return {uuid.UUID(item.media_id): item.url for item in answer.urls}
