"""Which files a kind of media may be, and what their objects are called (REQUIREMENTS A.3, PF-202)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from services.media.files.domain.content import begins_like

if TYPE_CHECKING:
    import uuid

MAX_BYTES = 20 * 1024 * 1024

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "application/pdf": "pdf",
}
_IMAGES = frozenset(mime for mime in EXTENSIONS if mime.startswith("image/"))
_VIDEOS = frozenset(mime for mime in EXTENSIONS if mime.startswith("video/"))
_DOCUMENTS = frozenset({"application/pdf"})


class MediaKind(StrEnum):
    """What a file is for."""

    PRODUCT = "product"
    ADS = "ads"
    PDF = "pdf"
    LICENSE_DOC = "license_doc"
    COA = "coa"
    MANIFEST = "manifest"
    USER = "user"
    STORE = "store"
    OTHER = "other"
    DELIVERY_PROOF = "delivery_proof"


# May be read by members of any store (A.7.2); all other kinds by the owning store only.
PUBLIC = frozenset({MediaKind.PRODUCT, MediaKind.STORE, MediaKind.ADS})

MIME_TYPES = {
    MediaKind.PRODUCT: _IMAGES | _VIDEOS,
    MediaKind.ADS: _IMAGES | _VIDEOS,
    MediaKind.PDF: _DOCUMENTS,
    MediaKind.COA: _DOCUMENTS,
    MediaKind.MANIFEST: _DOCUMENTS,
    MediaKind.LICENSE_DOC: _DOCUMENTS | _IMAGES,
    MediaKind.USER: _IMAGES,
    MediaKind.STORE: _IMAGES,
    MediaKind.OTHER: frozenset(EXTENSIONS),
    MediaKind.DELIVERY_PROOF: _IMAGES,
}


def object_key(*, store_id: uuid.UUID, kind: MediaKind, media_id: uuid.UUID, mime_type: str) -> str:
    """Return the object's name. The user's file name is never part of it."""
    return f"{store_id}/{kind}/{media_id}.{EXTENSIONS[mime_type]}"


def is_picture(mime_type: str) -> bool:
    """Return whether a browser may show such a file in a page of its own address; everything else is downloaded."""
    return mime_type in _IMAGES


def upload_defect(*, declared_mime: str, declared_bytes: int, actual_mime: str, actual_bytes: int, head: bytes) -> str:
    """Return why an object may not count as the declared file, or an empty text. `head`: its first bytes."""
    if actual_mime != declared_mime:
        return f"content type {actual_mime or 'unknown'} instead of {declared_mime}"
    limit = min(declared_bytes, MAX_BYTES)
    if actual_bytes > limit:
        return f"{actual_bytes} bytes instead of at most {limit}"
    if not begins_like(declared_mime, head):
        return f"the bytes are not {declared_mime}"
    return ""
