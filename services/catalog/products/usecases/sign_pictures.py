"""URLs of the files that readers of products see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import DependencyUnavailable
from meshkit.grpc.channel import RemoteRefusal
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping

    from meshkit.db.tx import Tx
    from services.catalog.outbound.ports import PictureReader


def sign_pictures(tx: Tx, shown: Iterable[uuid.UUID | None], *, pictures: PictureReader) -> Mapping[uuid.UUID, str]:
    """Return the URLs of the files among `shown`, asked for at once.

    Media is not asked when there are none, and while it is away there are no URLs: products can be seen without pictures.
    """
    media_ids = sorted({media_id for media_id in shown if media_id is not None})
    if not media_ids:
        return {}
    try:
        return pictures.read_urls(tx.outside(), media_ids)
    except (DependencyUnavailable, RemoteRefusal) as error:
        # An older media takes fewer at once.
        get_logger().warning("products.pictures_not_signed", error=str(error))
        return {}
