"""Read licences: a store's own, or the queue of those to verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.licenses.data import licenses

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.identity.licenses.domain.license import License, PendingLicense


def list_licenses(tx: Tx, *, store_id: uuid.UUID, page: Page) -> tuple[Sequence[License], str]:
    """Return a store's licences, newest first, and the next cursor."""
    return page.cut(licenses.page_of_store(tx, store_id, page), licenses.cursor_of)


def list_pending_licenses(tx: Tx, *, page: Page, issuing_state: str) -> tuple[Sequence[PendingLicense], str]:
    """Return the verification queue, oldest first, and the next cursor."""
    return page.cut(licenses.page_of_pending(tx, page, issuing_state=issuing_state), licenses.cursor_of)
