"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.media.v1 import media_internal_service_pb2, media_service_pb2
from services.media.files.domain.status import USABLE

if TYPE_CHECKING:
    from services.media.files.usecases.presign_upload import Upload
    from services.media.outbound.ports import UrlSigner


def media_message(row: Any, signer: UrlSigner) -> media_service_pb2.Media:
    """Return a file; only one whose bytes may be read has a URL."""
    message = media_service_pb2.Media(
        id=str(row.id),
        store_id=str(row.store_id),
        user_id=str(row.user_id),
        kind=row.kind,
        status=row.status,
        file_name=row.file_name,
        mime_type=row.mime_type,
        size_bytes=row.size_bytes,
        signed_url=read_url(signer, row) if row.status in USABLE else "",
        failure=row.failure,
    )
    message.created_at.FromDatetime(row.created_at)
    if row.uploaded_at is not None:
        message.uploaded_at.FromDatetime(row.uploaded_at)
    return message


def read_url(signer: UrlSigner, row: Any) -> str:
    """Return the URL of a file's bytes."""
    return signer.read_url(row.gcs_key, generation=row.generation, mime_type=row.mime_type)


def upload_message(upload: Upload) -> media_service_pb2.PresignUploadResponse:
    """Return where to put the bytes."""
    message = media_service_pb2.PresignUploadResponse(
        media_id=str(upload.row.id),
        gcs_key=upload.row.gcs_key,
        signed_put_url=upload.url,
        content_type=upload.row.mime_type,
        headers=upload.headers,
    )
    message.expires_at.FromDatetime(upload.expires_at)
    return message


def attached_message(row: Any) -> media_internal_service_pb2.AttachedMedia:
    """Return an attached file."""
    return media_internal_service_pb2.AttachedMedia(media_id=str(row.id), gcs_key=row.gcs_key, mime_type=row.mime_type)
