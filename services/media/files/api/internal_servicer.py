"""MediaInternalService: what other services ask of media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.media.v1 import media_internal_service_pb2 as messages
from marketmesh.media.v1 import media_service_pb2
from meshkit.ids import parse_id
from services.media.files.api import mapping
from services.media.files.domain.attachments import AttachmentEntity, Entity
from services.media.files.domain.kinds import MediaKind
from services.media.files.usecases.presign_for_store import ForStore, presign_for_store
from services.media.files.usecases.read_media import read_usable_keys
from services.media.files.usecases.reconcile_attachments import reconcile_attachments

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.media.outbound.ports import UrlSigner


@dataclass(frozen=True)
class MediaInternalServicer:
    """Translates; the rules are in the use cases."""

    signer: UrlSigner

    def ReconcileAttachments(
        self, request: messages.ReconcileAttachmentsRequest, tx: Tx
    ) -> messages.ReconcileAttachmentsResponse:
        kinds = [media_service_pb2.MediaKind.Value.Name(kind) for kind in request.allowed_kinds if kind]
        rows = reconcile_attachments(
            tx,
            entity=Entity(
                type=AttachmentEntity(messages.AttachmentEntity.Value.Name(request.entity_type)),
                id=parse_id(request.entity_id, field="entity_id"),
                store_id=parse_id(request.store_id, field="store_id"),
            ),
            media_ids=[parse_id(value, field="media_ids") for value in request.media_ids],
            allowed_kinds=[MediaKind(kind) for kind in kinds],
        )
        return messages.ReconcileAttachmentsResponse(media=[mapping.attached_message(row) for row in rows])

    def PresignForStore(
        self, request: messages.PresignForStoreRequest, tx: Tx
    ) -> media_service_pb2.PresignUploadResponse:
        file = ForStore(
            media_id=parse_id(request.media_id, field="media_id"),
            store_id=parse_id(request.store_id, field="store_id"),
            user_id=parse_id(request.user_id, field="user_id"),
            kind=MediaKind(media_service_pb2.MediaKind.Value.Name(request.media_kind)),
            mime_type=request.mime_type,
            file_name=request.file_name,
            size_bytes=request.size_bytes,
        )
        return mapping.upload_message(presign_for_store(tx, file, signer=self.signer))

    def SignReadUrls(self, request: messages.SignReadUrlsRequest, tx: Tx) -> messages.SignReadUrlsResponse:
        rows = read_usable_keys(tx, media_ids=[parse_id(value, field="media_ids") for value in request.media_ids])
        return messages.SignReadUrlsResponse(
            urls=[messages.SignedReadUrl(media_id=str(row.id), url=mapping.read_url(self.signer, row)) for row in rows]
        )
