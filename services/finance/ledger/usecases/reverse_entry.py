"""Reverse an entry by another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.errors import EntryNotReversible
from services.finance.ledger.data import books
from services.finance.ledger.domain.ledger import REVERSIBLE, EntryState, EntryType, reversal
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import PostedEntry


def reverse_entry(tx: Tx, *, entry_id: uuid.UUID, reason: str) -> PostedEntry:
    """Post the reversing entry, which names what it reverses; returns it. Raises NotFound, EntryNotReversible."""
    taken = books.find_entry(tx, entry_id)
    if taken is None:
        raise NotFound
    if EntryType(taken.type) not in REVERSIBLE:
        raise EntryNotReversible(state=taken.type)
    if taken.reversed_by_id is not None:
        raise EntryNotReversible(state=EntryState.REVERSED)
    made = post_entries(
        tx,
        [
            NewEntry(
                reversal(entry_id=entry_id, subject=taken.subject, postings=taken.postings),
                buyer_store_id=taken.buyer_store_id,
                vendor_store_id=taken.vendor_store_id,
                reference=reason,
            )
        ],
    )[0]
    if made is None:
        raise EntryNotReversible(state=EntryState.REVERSED)
    tx.audit(target=entry_id, after={"reversed_by": str(made), "reason": reason})
    entry = books.find_entry(tx, made)
    assert entry is not None, "it was just posted"
    return entry
