"""Post many entries at once; a refused one does not keep the others from being posted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.market_day import market_day
from services.finance.ledger.data import books
from services.finance.ledger.domain.batch import Draft, day_of, flaw
from services.finance.ledger.domain.ledger import Flaw
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import KeyedEntry


class Outcome(StrEnum):
    """What became of an entry."""

    POSTED = "posted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True)
class Result:
    """What became of an entry, and why if it was refused."""

    key: str
    outcome: Outcome
    entry_id: uuid.UUID | None = None
    reason: str = ""
    field: str = ""


def post_batch(tx: Tx, *, drafts: Sequence[Draft]) -> list[Result]:
    """Return what became of each entry, in the order they were sent."""
    today, closed = market_day(tx.now), books.closed_through(tx)
    flaws = [flaw(draft, today=today, closed_through=closed) for draft in drafts]
    first: dict[str, Draft] = {}
    for draft, wrong in zip(drafts, flaws, strict=True):
        if wrong is None:
            first.setdefault(draft.key, draft)
    days = {key: day_of(draft, today=today) or today for key, draft in first.items()}
    made = [
        NewEntry(draft.entry(effective_on=days[key]), reference=draft.reference, fingerprint=draft.fingerprint())
        for key, draft in first.items()
    ]
    posted = dict(zip(first, post_entries(tx, made), strict=True)) if made else {}
    known = books.by_keys(tx, [draft.key for draft in drafts if posted.get(draft.key) is None])
    results = []
    for draft, wrong in zip(drafts, flaws, strict=True):
        entry_id = posted.get(draft.key)
        if entry_id is not None:
            results.append(_of_new(draft, first[draft.key], entry_id))
        elif draft.key in known:
            results.append(_of_known(draft, known[draft.key]))
        else:
            assert wrong is not None, "what is not posted has a flaw"
            results.append(Result(draft.key, Outcome.REFUSED, reason=wrong.reason, field=wrong.field))
    counts = Counter(result.outcome for result in results)
    tx.audit(target=tx.call.request_id, after={outcome.value: counts[outcome] for outcome in Outcome})
    return results


def _of_new(draft: Draft, posted: Draft, entry_id: uuid.UUID) -> Result:
    """Return the outcome of a draft whose key this very batch has posted."""
    if draft is posted:
        return Result(draft.key, Outcome.POSTED, entry_id)
    if draft.fingerprint() == posted.fingerprint():
        return Result(draft.key, Outcome.DUPLICATE, entry_id)
    return _reused(draft)


def _of_known(draft: Draft, known: KeyedEntry) -> Result:
    """Return the outcome of a draft whose key an earlier call has posted."""
    if draft.fingerprint() == known.fingerprint:
        return Result(draft.key, Outcome.DUPLICATE, known.id)
    return _reused(draft)


def _reused(draft: Draft) -> Result:
    return Result(draft.key, Outcome.REFUSED, reason=Flaw.KEY_REUSED, field="key")
