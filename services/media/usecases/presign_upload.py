"""Announce a file and give out the URL to put it to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import ValidationError
from meshkit.ids import new_id
from services.media.data import media
from services.media.domain.kinds import MIME_TYPES, MediaKind, object_key

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.db.tx import Tx
    from services.media.outbound.ports import UrlSigner


@dataclass(frozen=True)
class Upload:
    """The announced file and where its bytes go."""

    row: Any
    url: str
    expires_at: datetime


def presign_upload(
    tx: Tx, *, kind: MediaKind, mime_type: str, file_name: str, size_bytes: int, signer: UrlSigner
) -> Upload:
    """Insert the pending file and return it with its URL.

    Raises ValidationError for a type the kind does not allow, and for a kind that members of stores do not upload.
    """
    if kind is MediaKind.DELIVERY_PROOF:
        raise ValidationError.of("media_kind", "is uploaded by delivery agents only")
    require_type(kind, mime_type)
    store_id, media_id = tx.principal.require_store, new_id()
    row = media.add(
        tx,
        id=media_id,
        store_id=store_id,
        user_id=tx.principal.require_user,
        kind=kind.value,
        gcs_key=object_key(store_id=store_id, kind=kind, media_id=media_id, mime_type=mime_type),
        file_name=file_name,
        mime_type=mime_type,
        size_bytes=size_bytes,
    )
    tx.audit(target=media_id, after={"status": row.status, "gcs_key": row.gcs_key, "size_bytes": size_bytes})
    url = signer.upload_url(row.gcs_key, content_type=mime_type)
    return Upload(row, url, tx.now + signer.upload_lifetime)


def require_type(kind: MediaKind, mime_type: str) -> None:
    """Raise ValidationError for a type that the kind does not allow."""
    if mime_type not in MIME_TYPES[kind]:
        raise ValidationError.of("mime_type", f"a {kind} file must be one of {', '.join(sorted(MIME_TYPES[kind]))}")
