"""URLs under which documents of licences can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import DependencyUnavailable
from meshkit.grpc.channel import RemoteRefusal
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.identity.licenses.domain.license import License, PendingLicense
    from services.identity.outbound.ports import DocumentReader


def sign_documents(
    tx: Tx, licenses: Sequence[License | PendingLicense], *, documents: DocumentReader
) -> Mapping[uuid.UUID, str]:
    """Return URLs of the licences' documents by media id; none while media is away, for the list can be read without."""
    if not licenses:
        return {}
    try:
        return documents.read_urls(tx.outside(), [each.media_id for each in licenses])
    except (DependencyUnavailable, RemoteRefusal) as error:
        get_logger().warning("licenses.documents_not_signed", error=str(error))
        return {}
