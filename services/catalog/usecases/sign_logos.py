"""URLs of vendors' logos, for what is shown of their products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import DependencyUnavailable
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping

    from meshkit.db.tx import Tx
    from services.catalog.outbound.ports import LogoReader


def sign_logos(tx: Tx, rows: Iterable[Any], *, logos: LogoReader) -> Mapping[uuid.UUID, str]:
    """Return the URLs of the products' vendors' logos by media id, asked for at once.

    Nobody is asked when no vendor has one; none are known while media is away, for products can be seen without.
    """
    shown = sorted({row.vendor_logo_media_id for row in rows} - {None})
    if not shown:
        return {}
    try:
        return logos.read_urls(tx.call, shown)
    except DependencyUnavailable as error:
        get_logger().warning("products.logos_not_signed", error=str(error))
        return {}
