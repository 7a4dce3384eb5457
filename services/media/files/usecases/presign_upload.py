"""Announce a file and give out the URL to put it to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.ids import new_id
from services.media.errors import TooManyOpenUploads
from services.media.files.data import media
from services.media.files.domain.kinds import MIME_TYPES, MediaKind, object_key

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from meshkit.db.tx import Tx
    from services.media.files.data.media import File
    from services.media.outbound.ports import UrlSigner

OPEN_PER_USER = 50
OPEN_PER_STORE = 200


@dataclass(frozen=True)
class Upload:
    """The announced file and where its bytes go."""

    file: File
    url: str
    headers: Mapping[str, str]
    expires_at: datetime


def presign_upload(
    tx: Tx, *, kind: MediaKind, mime_type: str, file_name: str, size_bytes: int, signer: UrlSigner
) -> Upload:
    """Insert the pending file and return it with its URL.

    Raises ValidationError for a type the kind does not allow, and for a kind that members of stores do not upload;
    TooManyOpenUploads.
    """
    if kind is MediaKind.DELIVERY_PROOF:
        raise ValidationError.of("media_kind", "is uploaded by delivery agents only")
    require_upload_type(kind, mime_type=mime_type)
    store_id, media_id = tx.principal.require_store, new_id()
    require_upload_room(tx, user_id=tx.principal.require_user, store_id=store_id, lifetime=signer.upload_lifetime)
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
    return signed_upload(tx, row, signer=signer)


def signed_upload(tx: Tx, file: File, *, signer: UrlSigner) -> Upload:
    """Return a pending file with its URL, which takes one object of its type and at most its size."""
    headers = {
        "content-type": file.mime_type,
        "x-goog-content-length-range": f"1,{file.size_bytes}",
        "x-goog-if-generation-match": "0",
    }
    url = signer.upload_url(file.gcs_key, headers=headers)
    return Upload(file, url, headers, tx.now + signer.upload_lifetime)


def require_upload_room(
    tx: Tx, *, user_id: uuid.UUID, store_id: uuid.UUID, lifetime: timedelta, is_member: bool = True
) -> None:
    """Raise TooManyOpenUploads when the user or the store has as many live URLs without a file as it may.

    Who is no member of the store does not count there, and is not kept out by what its members left open.
    """
    media.lock_uploader(tx, user_id=user_id, store_id=store_id)
    of_user, of_store = media.count_open(tx, since=tx.now - lifetime, user_id=user_id, store_id=store_id)
    limits = ((of_user, OPEN_PER_USER, "You have", True), (of_store, OPEN_PER_STORE, "The store has", is_member))
    for count, limit, whose, counts in limits:
        if counts and count >= limit:
            raise TooManyOpenUploads(f"{whose} {count} announced files that have not come.", limit=str(limit))


def require_upload_type(kind: MediaKind, *, mime_type: str) -> None:
    """Raise ValidationError for a type that the kind does not allow."""
    if mime_type not in MIME_TYPES[kind]:
        raise ValidationError.of("mime_type", f"a {kind} file must be one of {', '.join(sorted(MIME_TYPES[kind]))}")
