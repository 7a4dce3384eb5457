"""What identity needs from outside, as its flows see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.call import Call


class DocumentReader(Protocol):
    """Gives out URLs to read documents."""

    def read_urls(self, call: Call, media_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """Return URLs of those documents that may be read. Raises DependencyUnavailable."""
        ...


class LicenseDocuments(DocumentReader, Protocol):
    """Keeps a licence's document attached to it."""

    def attach_license_document(
        self, call: Call, *, license_id: uuid.UUID, store_id: uuid.UUID, media_id: uuid.UUID
    ) -> None:
        """Attach; idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def detach_license_document(self, call: Call, *, license_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Detach; idempotent. Raises DependencyUnavailable."""
        ...


class StoreLogos(DocumentReader, Protocol):
    """Keeps a store's logo attached to it."""

    def attach_logo(self, call: Call, *, store_id: uuid.UUID, media_id: uuid.UUID | None) -> None:
        """Attach exactly this file, or none; idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...
