"""Reverse an entry by another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from meshkit.db.engine import constraint_of
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
    made = _post(tx, taken, reason=reason)
    tx.audit(target=entry_id, after={"reversed_by": str(made), "reason": reason})
    entry = books.find_entry(tx, made)
    assert entry is not None, "it was just posted"
    return entry


def _post(tx: Tx, taken: PostedEntry, *, reason: str) -> uuid.UUID:
    new = NewEntry(
        reversal(entry_id=taken.id, subject=taken.subject, postings=taken.postings),
        buyer_store_id=taken.buyer_store_id,
        vendor_store_id=taken.vendor_store_id,
        reference=reason,
    )
    try:
        (made,) = post_entries(tx, [new])
    except IntegrityError as error:
        # Of two calls at once either index may find the other one: that of keys, or that of what is reversed.
        if constraint_of(error) != "ledger_entries_reverses_id_key":
            raise
        made = None
    if made is None:
        raise EntryNotReversible(state=EntryState.REVERSED)
    return made
