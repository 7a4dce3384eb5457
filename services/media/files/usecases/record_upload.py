"""Take note of an object that was looked at; storage notices and manual finalising both end here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.media.events.v1 import media_events_pb2 as events
from meshkit.obs.logging import get_logger
from services.media.files.data import media
from services.media.files.domain.kinds import upload_defect
from services.media.files.domain.status import MediaStatus, move

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.media.outbound.ports import StoredObject


def record_upload(tx: Tx, *, gcs_key: str, stored: StoredObject) -> Any | None:
    """Move the object's file to uploaded, once; to failed when it is not what was declared. None: no such file."""
    row = media.lock_by_key(tx, gcs_key)
    if row is None:
        return None
    if row.status != MediaStatus.PENDING:
        return row
    defect = upload_defect(
        declared_mime=row.mime_type,
        declared_bytes=row.size_bytes,
        actual_mime=stored.content_type,
        actual_bytes=stored.size_bytes,
        head=stored.head,
    )
    if defect:
        return _fail(tx, row, defect)
    return _accept(tx, row, stored)


def _accept(tx: Tx, row: Any, stored: StoredObject) -> Any:
    status = move(MediaStatus(row.status), MediaStatus.UPLOADED)
    facts = {"size_bytes": stored.size_bytes, "generation": stored.generation, "uploaded_at": tx.now}
    uploaded = media.set_status(tx, row.id, status=status.value, **facts)
    tx.audit(target=row.id, before={"status": row.status}, after={"status": status.value})
    tx.emit(
        events.MediaUploaded(
            media_id=str(row.id),
            store_id=str(row.store_id),
            kind=row.kind,
            mime_type=row.mime_type,
            size_bytes=stored.size_bytes,
        )
    )
    return uploaded


def _fail(tx: Tx, row: Any, defect: str) -> Any:
    status = move(MediaStatus(row.status), MediaStatus.FAILED)
    get_logger().warning("media.upload_refused", media_id=str(row.id), defect=defect)
    tx.audit(target=row.id, before={"status": row.status}, after={"status": status.value, "failure": defect})
    return media.set_status(tx, row.id, status=status.value, failure=defect, failed_at=tx.now)
