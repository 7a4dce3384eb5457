"""Read an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.ledger.data import books

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import PostedEntry


def read_entry(tx: Tx, *, entry_id: uuid.UUID) -> PostedEntry:
    """Return an entry with its postings. Raises NotFound."""
    entry = books.find_entry(tx, entry_id)
    if entry is None:
        raise NotFound
    return entry
