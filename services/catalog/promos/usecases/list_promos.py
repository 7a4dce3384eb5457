"""Read a vendor's promo codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.promos.data import promos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.catalog.promos.data.promos import Promo


def list_promos(tx: Tx, *, active_only: bool, page: Page) -> tuple[Sequence[Promo], str]:
    """Return the promos of the caller's store, newest first, and the next cursor."""
    rows = promos.page_of_store(tx, tx.principal.require_store, active_only=active_only, page=page)
    return page.cut(rows, promos.cursor_of)
