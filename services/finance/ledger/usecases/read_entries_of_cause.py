"""Read why the ledger is as it is: the entries of a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.data import books

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import PostedEntry


def read_entries_of_cause(tx: Tx, *, cause_id: uuid.UUID, page: Page) -> tuple[Sequence[PostedEntry], str]:
    """Return what a subject, payout or event did to the ledger, and the next cursor."""
    return page.cut(books.page_of_cause(tx, cause_id, page), books.entry_cursor)
