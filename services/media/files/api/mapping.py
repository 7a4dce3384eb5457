"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.media.v1 import media_internal_service_pb2, media_service_pb2
from services.media.files.domain.status import USABLE

if TYPE_CHECKING:
    from services.media.files.data.media import Content, File
    from services.media.files.usecases.presign_upload import Upload
    from services.media.outbound.ports import UrlSigner


def media_message(file: File, signer: UrlSigner) -> media_service_pb2.Media:
    """Return a file; only one whose bytes may be read has a URL."""
    message = media_service_pb2.Media(
        id=str(file.id),
        store_id=str(file.store_id),
        user_id=str(file.user_id),
        kind=file.kind,
        status=file.status,
        file_name=file.file_name,
        mime_type=file.mime_type,
        size_bytes=file.size_bytes,
        signed_url=read_url(signer, file) if file.status in USABLE else "",
        failure=file.failure,
    )
    message.created_at.FromDatetime(file.created_at)
    if file.uploaded_at is not None:
        message.uploaded_at.FromDatetime(file.uploaded_at)
    return message


def read_url(signer: UrlSigner, file: File | Content) -> str:
    """Return the URL of a file's bytes."""
    return signer.read_url(file.gcs_key, generation=file.generation, mime_type=file.mime_type)


def upload_message(upload: Upload) -> media_service_pb2.PresignUploadResponse:
    """Return where to put the bytes."""
    message = media_service_pb2.PresignUploadResponse(
        media_id=str(upload.file.id),
        gcs_key=upload.file.gcs_key,
        signed_put_url=upload.url,
        content_type=upload.file.mime_type,
        headers=upload.headers,
    )
    message.expires_at.FromDatetime(upload.expires_at)
    return message


def attached_message(file: File) -> media_internal_service_pb2.AttachedMedia:
    """Return an attached file."""
    return media_internal_service_pb2.AttachedMedia(
        media_id=str(file.id), gcs_key=file.gcs_key, mime_type=file.mime_type
    )
