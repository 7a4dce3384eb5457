"""Finalise an upload whose storage notice did not come: look at the object, then record it as the notice would."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.media.errors import UploadMissing
from services.media.files.domain.status import MediaStatus
from services.media.files.usecases.read_media import read_media
from services.media.files.usecases.record_upload import record_upload

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.media.outbound.ports import ObjectFinder


def finalize_upload(
    flow: Flow, *, media_id: uuid.UUID, objects: ObjectFinder, respond: Callable[[Any], Message]
) -> Message:
    """Return the file as it is then; one that is not pending stays as it is. Raises NotFound, UploadMissing."""
    with flow.read() as tx:
        row = read_media(tx, media_id=media_id)
    stored = objects.find(row.gcs_key) if row.status == MediaStatus.PENDING else None
    if stored is None and row.status == MediaStatus.PENDING:
        raise UploadMissing
    with flow.transaction() as tx:
        tx.audit(target=media_id)
        if stored is not None:
            record_upload(tx, gcs_key=row.gcs_key, stored=stored)
        return flow.complete(tx, respond(read_media(tx, media_id=media_id)))
