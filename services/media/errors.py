"""Media's refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.media.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class MediaPending(MeshError, enum=_REASONS, reason="MEDIA_PENDING"):
    """The bytes have not arrived, so there is nothing to read."""


class MediaNotUsable(MeshError, enum=_REASONS, reason="MEDIA_NOT_USABLE"):
    """The file is of a kind that is not allowed here, or in a state in which it may not be used."""


class UploadMissing(MeshError, enum=_REASONS, reason="UPLOAD_MISSING"):
    """The object store has no such object."""


class TooManyOpenUploads(MeshError, enum=_REASONS, reason="TOO_MANY_OPEN_UPLOADS"):
    """The user or the store has announced more files than it brings."""
