"""What is wrong with an entry that another service wants to post, before anything is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from services.finance.ledger.domain.ledger import Entry, EntryType, Flaw, Posting, owner_flaw, unbalanced
from services.finance.ledger.domain.subject import order

if TYPE_CHECKING:
    import uuid

_TWO_SIDES = 2


@dataclass(frozen=True)
class Draft:
    """An entry as it was sent."""

    key: str
    type: EntryType
    effective_on: str
    order_id: uuid.UUID | None
    cause_type: str
    cause_id: uuid.UUID
    reference: str
    postings: tuple[Posting, ...]

    def fingerprint(self) -> str:
        """Return what tells this entry from any other of the same key."""
        sides = [(p.account.kind, str(p.account.owner_id), p.account.currency, p.amount_cents) for p in self.postings]
        parts = (self.type.value, self.effective_on, str(self.order_id), self.cause_type, str(self.cause_id), sides)
        return hashlib.sha256(repr((*parts, self.reference)).encode()).hexdigest()

    def entry(self, *, effective_on: date) -> Entry:
        """Return the entry of a draft in which `flaw` found nothing."""
        return Entry(
            self.type,
            order(self.order_id) if self.order_id else None,
            self.postings,
            key=self.key,
            cause_type=self.cause_type,
            cause_id=self.cause_id,
            effective_on=effective_on,
        )


@dataclass(frozen=True)
class Refused:
    """Why an entry is refused, and the field that is wrong."""

    reason: Flaw
    field: str


def day_of(draft: Draft, *, today: date) -> date | None:
    """Return the day a draft counts for, today unless it says otherwise; None for text that is no day."""
    if not draft.effective_on:
        return today
    try:
        return date.fromisoformat(draft.effective_on)
    except ValueError:
        return None


def flaw(draft: Draft, *, today: date, closed_through: date | None) -> Refused | None:
    """Return the first thing that is wrong with a draft, or None."""
    if len(draft.postings) < _TWO_SIDES:
        return Refused(Flaw.TOO_FEW_POSTINGS, "postings")
    for number, posting in enumerate(draft.postings):
        if not posting.amount_cents:
            return Refused(Flaw.ZERO_AMOUNT, f"postings[{number}].amount_cents")
        if wrong := owner_flaw(posting.account):
            return Refused(wrong, f"postings[{number}].account.owner_id")
    if any(unbalanced(draft.postings).values()):
        return Refused(Flaw.UNBALANCED, "postings")
    return _wrong_day(day_of(draft, today=today), today=today, closed_through=closed_through)


def _wrong_day(day: date | None, *, today: date, closed_through: date | None) -> Refused | None:
    if day is None:
        return Refused(Flaw.INVALID_DATE, "effective_on")
    if day > today:
        return Refused(Flaw.FUTURE_DATE, "effective_on")
    if closed_through and day <= closed_through:
        return Refused(Flaw.PERIOD_CLOSED, "effective_on")
    return None
