"""Announce a file of a store on behalf of somebody who is no member of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.media.errors import MediaNotUsable
from services.media.files.data import media
from services.media.files.domain.kinds import MediaKind, object_key
from services.media.files.domain.status import MediaStatus
from services.media.files.usecases.presign_upload import Upload, require_upload_room, require_upload_type, signed_upload

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.media.outbound.ports import UrlSigner


@dataclass(frozen=True)
class ForStore:
    """The file, under an id that the caller chose."""

    media_id: uuid.UUID
    store_id: uuid.UUID
    user_id: uuid.UUID
    kind: MediaKind
    mime_type: str
    file_name: str
    size_bytes: int


def presign_for_store(tx: Tx, file: ForStore, *, signer: UrlSigner) -> Upload:
    """Insert the pending file, or find it, and return it with its URL.

    Raises ValidationError for a type the kind does not allow, NotFound for an id of somebody else's file,
    MediaNotUsable for one whose bytes have come, and TooManyOpenUploads.
    """
    require_upload_type(file.kind, mime_type=file.mime_type)
    if media.find(tx, file.media_id, store_id=file.store_id) is None:
        require_upload_room(
            tx, user_id=file.user_id, store_id=file.store_id, lifetime=signer.upload_lifetime, is_member=False
        )
    media.add_if_missing(
        tx,
        id=file.media_id,
        store_id=file.store_id,
        user_id=file.user_id,
        kind=file.kind.value,
        gcs_key=object_key(store_id=file.store_id, kind=file.kind, media_id=file.media_id, mime_type=file.mime_type),
        file_name=file.file_name,
        mime_type=file.mime_type,
        size_bytes=file.size_bytes,
    )
    row = media.find(tx, file.media_id, store_id=file.store_id)
    if row is None or (row.user_id, row.kind, row.mime_type) != (file.user_id, file.kind, file.mime_type):
        raise NotFound
    if row.status != MediaStatus.PENDING:
        raise MediaNotUsable(f"The file is {row.status}.", state=row.status)
    tx.audit(target=row.id, after={"status": row.status, "gcs_key": row.gcs_key, "size_bytes": row.size_bytes})
    return signed_upload(tx, row, signer=signer)
