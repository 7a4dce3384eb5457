"""MediaService: files of the caller's store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.media.v1 import media_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.media.files.api import mapping
from services.media.files.domain.kinds import MediaKind
from services.media.files.flows.finalize_upload import finalize_upload
from services.media.files.usecases.list_media import list_media
from services.media.files.usecases.presign_upload import presign_upload
from services.media.files.usecases.read_media import read_usable_media

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.media.outbound.ports import ObjectFinder, UrlSigner


@dataclass(frozen=True)
class MediaServicer:
    """Translates; the rules are in the use cases."""

    signer: UrlSigner
    objects: ObjectFinder

    def PresignUpload(self, request: messages.PresignUploadRequest, tx: Tx) -> messages.PresignUploadResponse:
        upload = presign_upload(
            tx,
            kind=MediaKind(messages.MediaKind.Value.Name(request.media_kind)),
            mime_type=request.mime_type,
            file_name=request.file_name,
            size_bytes=request.size_bytes,
            signer=self.signer,
        )
        return mapping.upload_message(upload)

    def FinalizeUpload(self, request: messages.FinalizeUploadRequest, flow: Flow) -> Message:
        return finalize_upload(
            flow,
            media_id=parse_id(request.media_id, field="media_id"),
            objects=self.objects,
            respond=lambda row: mapping.media_message(row, self.signer),
        )

    def ListMedia(self, request: messages.ListMediaRequest, tx: Tx) -> messages.ListMediaResponse:
        page = Page.of(request)
        rows, following = list_media(
            tx,
            page=page,
            kind=messages.MediaKind.Value.Name(request.kind) if request.kind else "",
            status=messages.MediaStatus.Value.Name(request.status) if request.status else "",
            mime_type=request.mime_type,
            words=request.q,
        )
        return messages.ListMediaResponse(
            items=[mapping.media_message(row, self.signer) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def GetMediaUrl(self, request: messages.GetMediaUrlRequest, tx: Tx) -> messages.GetMediaUrlResponse:
        row = read_usable_media(tx, media_id=parse_id(request.media_id, field="media_id"))
        response = messages.GetMediaUrlResponse(url=mapping.read_url(self.signer, row))
        response.expires_at.FromDatetime(tx.now + self.signer.read_lifetime)
        return response
