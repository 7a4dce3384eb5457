"""Identity's refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.identity.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class CredentialsInvalid(MeshError, enum=_REASONS, reason="CREDENTIALS_INVALID"):
    """Unknown e-mail or wrong password: the same answer."""


class RefreshTokenInvalid(MeshError, enum=_REASONS, reason="REFRESH_TOKEN_INVALID"):
    """The refresh token is unknown, expired or of an ended session."""


class RefreshTokenReused(MeshError, enum=_REASONS, reason="REFRESH_TOKEN_REUSED"):
    """A rotated refresh token came back after the grace time: its family is revoked."""


class NotAMember(MeshError, enum=_REASONS, reason="NOT_A_MEMBER"):
    """The caller does not belong to that store."""


class EmailTaken(MeshError, enum=_REASONS, reason="EMAIL_TAKEN"):
    """Somebody has that e-mail address."""


class AdminRegisterClosed(MeshError, enum=_REASONS, reason="ADMIN_REGISTER_CLOSED"):
    """Administrators are not made over the API, unless a developer opened that route."""


class LicenseTaken(MeshError, enum=_REASONS, reason="LICENSE_TAKEN"):
    """That state's licence number is filed already."""


class LicenseNotPending(MeshError, enum=_REASONS, reason="LICENSE_NOT_PENDING"):
    """The licence has been decided."""


class MediaUnusable(MeshError, enum=_REASONS, reason="MEDIA_UNUSABLE"):
    """The document is of another kind or not uploaded yet."""
