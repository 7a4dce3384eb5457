"""Read a store's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.media.files.data import media

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


def list_media(tx: Tx, *, page: Page, kind: str, status: str, mime_type: str, words: str) -> tuple[Sequence[Any], str]:
    """Return the caller's store's files, newest first, and the next cursor; empty filters mean any."""
    rows = media.page_of_store(
        tx, tx.principal.require_store, page, kind=kind, status=status, mime_type=mime_type, words=words
    )
    return page.cut(rows, media.cursor_of)
