"""Whether bytes are what a mime type says, by how such files begin."""

from __future__ import annotations

HEAD_BYTES = 16

_BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "video/webm": b"\x1aE\xdf\xa3",
    "application/pdf": b"%PDF-",
}
_GIFS = (b"GIF87a", b"GIF89a")


def begins_like(mime_type: str, head: bytes) -> bool:
    """Return whether a file of that type can begin so; a type that is not known never does."""
    if mime_type == "image/gif":
        return head.startswith(_GIFS)
    if mime_type == "image/webp":
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    if mime_type == "video/mp4":
        return head[4:8] == b"ftyp"
    beginning = _BEGINNINGS.get(mime_type)
    return beginning is not None and head.startswith(beginning)
