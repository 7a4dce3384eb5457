"""What identity needs from outside, as its flows see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid

    from meshkit.call import Call


class LicenseDocuments(Protocol):
    """Keeps a licence's document attached to it."""

    def attach_license_document(
        self, call: Call, *, license_id: uuid.UUID, store_id: uuid.UUID, media_id: uuid.UUID
    ) -> None:
        """Attach; idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def detach_license_document(self, call: Call, *, license_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Detach; idempotent. Raises DependencyUnavailable."""
        ...
