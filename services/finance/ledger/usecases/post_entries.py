"""Post entries: the only way money moves in the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from meshkit.market_day import market_day
from services.finance.ledger.data import ledger
from services.finance.ledger.domain.ledger import NOBODY, account_id

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.ledger import Entry


@dataclass(frozen=True)
class NewEntry:
    """An entry to be posted, with the stores it concerns and a reference."""

    entry: Entry
    buyer_store_id: uuid.UUID | None = None
    vendor_store_id: uuid.UUID | None = None
    reference: str = ""
    fingerprint: str | None = None


def post_entries(tx: Tx, entries: Sequence[NewEntry]) -> list[uuid.UUID | None]:
    """Post all with one statement; returns the entries' ids in order, None for one whose key was posted before.

    Raises IntegrityError on ledger_entries_collection_key when a subject's cash was collected already.
    """
    if not entries:
        return []
    ids = [new_id() for _ in entries]
    posted = ledger.append(
        tx,
        [_row(tx, entry_id, new) for entry_id, new in zip(ids, entries, strict=True)],
        [side for entry_id, new in zip(ids, entries, strict=True) for side in _sides(entry_id, new.entry)],
    )
    return [entry_id if entry_id in posted else None for entry_id in ids]


def _row(tx: Tx, entry_id: uuid.UUID, new: NewEntry) -> dict[str, object]:
    entry, subject = new.entry, new.entry.subject
    return {
        "id": entry_id,
        "key": entry.key,
        "type": entry.type.value,
        "subject_kind": subject and subject.kind,
        "subject_id": subject and subject.id,
        "buyer_store_id": new.buyer_store_id,
        "vendor_store_id": new.vendor_store_id,
        "cause_type": entry.cause_type or (subject and subject.kind),
        "cause_id": entry.cause_id,
        "reverses_id": entry.reverses_id,
        "effective_on": entry.effective_on or market_day(tx.now),
        "fingerprint": new.fingerprint,
        "reference": new.reference,
    }


def _sides(entry_id: uuid.UUID, entry: Entry) -> list[dict[str, object]]:
    return [
        {
            "entry_id": entry_id,
            "position": position,
            "account_id": account_id(posting.account),
            "kind": posting.account.kind.value,
            "owner_id": posting.account.owner_id or NOBODY,
            "currency": posting.account.currency,
            "amount_cents": posting.amount_cents,
        }
        for position, posting in enumerate(entry.postings)
    ]
