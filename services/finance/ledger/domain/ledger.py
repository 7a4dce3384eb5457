"""Double entry: every entry has postings that sum to zero per currency. Debits are positive, credits negative."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, TypedDict

from meshkit.ids import derived_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from services.finance.ledger.domain.subject import Subject

# Owner of the platform's own accounts.
NOBODY = uuid.UUID(int=0)


class AccountKind(StrEnum):
    """What an account stands for. The owner is an agent, a store, a station, or nobody for the platform's own."""

    # Cash a delivery agent carries for us (asset).
    CASH_IN_TRANSIT = "cash_in_transit"
    # Money on the platform's own account, or in the hands of a cash station (asset).
    CASH_CLEARING = "cash_clearing"
    # What we owe a vendor (liability).
    VENDOR_PAYABLE = "vendor_payable"
    # What we earn (revenue).
    PLATFORM_FEE = "platform_fee"
    # What we owe a buyer (liability).
    REFUND_PAYABLE = "refund_payable"
    # Cash declared and not found, or found and not declared (expense).
    CASH_DIFFERENCE = "cash_difference"
    # What a vendor owes us for refunds after its payout (asset).
    VENDOR_RECEIVABLE = "vendor_receivable"


# Accounts whose balance is a debit; the others' is a credit.
DEBIT_KINDS = {
    AccountKind.CASH_IN_TRANSIT,
    AccountKind.CASH_CLEARING,
    AccountKind.CASH_DIFFERENCE,
    AccountKind.VENDOR_RECEIVABLE,
}
# Accounts that belong to somebody: an agent or a store.
OWNED_KINDS = {
    AccountKind.CASH_IN_TRANSIT,
    AccountKind.VENDOR_PAYABLE,
    AccountKind.REFUND_PAYABLE,
    AccountKind.VENDOR_RECEIVABLE,
}
# Accounts that may have an owner: a cash station's, and one that is the platform's own.
SHARED_KINDS = {AccountKind.CASH_CLEARING}


class EntryType(StrEnum):
    """Why an entry was made (REQUIREMENTS A.3, ledger_event_type)."""

    CASH_COLLECTED = "cash_collected"
    VENDOR_PAYOUT = "vendor_payout"
    PAYOUT_RETURNED = "payout_returned"
    REFUND = "refund"
    CASH_HANDED_IN = "cash_handed_in"
    CASH_DIFFERENCE = "cash_difference"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    REVERSAL = "reversal"
    PAYOUT_NETTED = "payout_netted"
    CREDIT = "credit"


class CauseType(StrEnum):
    """What made an entry. Of every kind of subject it has the word, as entries that name no cause were made by their subject."""

    ORDER = "order"
    PAYOUT = "payout"
    EVENT = "event"
    HOLD = "hold"
    ENTRY = "entry"
    MANUAL = "manual"
    HAND_IN = "hand_in"
    CASH_MISMATCH = "cash_mismatch"


class EntryState(StrEnum):
    """What keeps an entry from being taken back, whatever its type."""

    REVERSED = "reversed"


class Flaw(StrEnum):
    """What is wrong with an entry that another service wants to post."""

    UNBALANCED = "UNBALANCED"
    TOO_FEW_POSTINGS = "TOO_FEW_POSTINGS"
    ZERO_AMOUNT = "ZERO_AMOUNT"
    INVALID_DATE = "INVALID_DATE"
    FUTURE_DATE = "FUTURE_DATE"
    PERIOD_CLOSED = "PERIOD_CLOSED"
    KEY_REUSED = "KEY_REUSED"
    OWNER_MISSING = "OWNER_MISSING"
    OWNER_UNEXPECTED = "OWNER_UNEXPECTED"


# What ReverseEntry may take back. Other entries go with the state of an intent or payout, and are taken back with it.
REVERSIBLE = {EntryType.ADJUSTMENT, EntryType.TRANSFER}


@dataclass(frozen=True)
class Account:
    """An account's name: kind, owner and currency."""

    kind: AccountKind
    currency: str
    owner_id: uuid.UUID | None = None


@lru_cache(maxsize=10_000)
def account_id(account: Account) -> uuid.UUID:
    """Return the id of an account: derived from its name, so nothing has to be looked up."""
    return derived_id("account", account.kind, account.owner_id or NOBODY, account.currency)


def owner_flaw(account: Account) -> Flaw | None:
    """Return what is wrong with an account's owner, or None."""
    if account.kind in OWNED_KINDS and account.owner_id is None:
        return Flaw.OWNER_MISSING
    if account.kind not in OWNED_KINDS | SHARED_KINDS and account.owner_id is not None:
        return Flaw.OWNER_UNEXPECTED
    return None


@dataclass(frozen=True)
class Posting:
    """One side of an entry: minor units, debit positive, credit negative."""

    account: Account
    amount_cents: int


class Side(TypedDict):
    """A posting as a JSON document of the database, ids as text."""

    account_id: str
    kind: str
    owner_id: str
    currency: str
    amount_cents: int


def postings_of(sides: Iterable[Side]) -> tuple[Posting, ...]:
    """Return the postings that documents of the database describe."""
    return tuple(
        Posting(Account(AccountKind(side["kind"]), side["currency"], _owner(side["owner_id"])), side["amount_cents"])
        for side in sides
    )


def _owner(text: str) -> uuid.UUID | None:
    owner = uuid.UUID(text)
    return None if owner == NOBODY else owner


@dataclass(frozen=True)
class Entry:
    """Something that happened to money, with at least two postings. Immutable; corrections are new entries."""

    type: EntryType
    # What it is about; None for what is about a vendor or an account and nothing that is paid for.
    subject: Subject | None
    postings: tuple[Posting, ...]
    # The name under which it is posted once; None for what a constraint of its own keeps unique.
    key: str | None = None
    # What caused it, when that is not its subject.
    cause_type: str = ""
    cause_id: uuid.UUID | None = None
    reverses_id: uuid.UUID | None = None
    # The day it counts for; None for today.
    effective_on: date | None = None

    def __post_init__(self) -> None:
        assert len(self.postings) >= 2, "an entry has at least two sides"
        assert all(posting.amount_cents for posting in self.postings), "a posting moves something"
        assert not any(unbalanced(self.postings).values()), "an entry sums to zero per currency"
        assert bool(self.cause_type) == bool(self.cause_id), "a cause has a type and an id"
        assert self.subject or self.cause_id, "an entry has a cause"


def unbalanced(postings: tuple[Posting, ...]) -> dict[str, int]:
    """Return the sum per currency; a valid entry has only zeros."""
    sums: dict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.account.currency] += posting.amount_cents
    return dict(sums)


@dataclass(frozen=True)
class Collection:
    """What a subject costs, and how much of that was credited to its buyer; only the rest is taken in cash."""

    subject: Subject
    agent_id: uuid.UUID | None
    buyer_id: uuid.UUID
    vendor_id: uuid.UUID
    amount_cents: int
    fee_cents: int
    currency: str
    credited_cents: int = 0


def cash_collected(collection: Collection) -> Entry:
    """Return the entry of cash taken by an agent: we hold it in transit, owe the vendor, and earned the fee."""
    currency = collection.currency
    postings = [
        Posting(
            Account(AccountKind.CASH_IN_TRANSIT, currency, collection.agent_id),
            collection.amount_cents - collection.credited_cents,
        ),
        Posting(Account(AccountKind.REFUND_PAYABLE, currency, collection.buyer_id), collection.credited_cents),
        Posting(
            Account(AccountKind.VENDOR_PAYABLE, currency, collection.vendor_id),
            collection.fee_cents - collection.amount_cents,
        ),
        Posting(Account(AccountKind.PLATFORM_FEE, currency), -collection.fee_cents),
    ]
    kept = tuple(posting for posting in postings if posting.amount_cents)
    return Entry(EntryType.CASH_COLLECTED, collection.subject, kept)


def vendor_payout(
    *, subject: Subject, vendor_id: uuid.UUID, payout_cents: int, currency: str, payout_id: uuid.UUID
) -> Entry:
    """Return the entry of one subject of a payout: we owe its vendor less, and have less money."""
    return Entry(
        EntryType.VENDOR_PAYOUT,
        subject,
        (
            Posting(Account(AccountKind.VENDOR_PAYABLE, currency, vendor_id), payout_cents),
            Posting(Account(AccountKind.CASH_CLEARING, currency), -payout_cents),
        ),
        key=f"vendor_payout:{payout_id}:{subject.id}",
        cause_type=CauseType.PAYOUT,
        cause_id=payout_id,
    )


def payout_netted(*, payout_id: uuid.UUID, vendor_id: uuid.UUID, netted_cents: int, currency: str) -> Entry:
    """Return the entry of what a payout keeps back for the vendor's debt: it owes us less, and we kept the money."""
    return Entry(
        EntryType.PAYOUT_NETTED,
        None,
        (
            Posting(Account(AccountKind.CASH_CLEARING, currency), netted_cents),
            Posting(Account(AccountKind.VENDOR_RECEIVABLE, currency, vendor_id), -netted_cents),
        ),
        key=f"payout_netted:{payout_id}",
        cause_type=CauseType.PAYOUT,
        cause_id=payout_id,
    )


@dataclass(frozen=True)
class Refund:
    """What goes back to a buyer, and the platform's part of it."""

    subject: Subject
    buyer_id: uuid.UUID
    vendor_id: uuid.UUID
    amount_cents: int
    fee_cents: int
    currency: str
    is_paid_out: bool
    # A credit: nothing was paid yet, and the buyer pays that much less.
    is_credit: bool = False


def refund(given: Refund) -> Entry:
    """Return the entry of a refund: we owe the buyer, and vendor and platform bear it.

    Before the payout we owe the vendor less; afterwards it owes us.
    """
    bearer = AccountKind.VENDOR_RECEIVABLE if given.is_paid_out else AccountKind.VENDOR_PAYABLE
    postings = [
        Posting(Account(bearer, given.currency, given.vendor_id), given.amount_cents - given.fee_cents),
        Posting(Account(AccountKind.PLATFORM_FEE, given.currency), given.fee_cents),
        Posting(Account(AccountKind.REFUND_PAYABLE, given.currency, given.buyer_id), -given.amount_cents),
    ]
    kind = EntryType.CREDIT if given.is_credit else EntryType.REFUND
    return Entry(kind, given.subject, tuple(posting for posting in postings if posting.amount_cents))


def payout_returned(
    *, entry_id: uuid.UUID, subject: Subject | None, postings: tuple[Posting, ...], payout_id: uuid.UUID
) -> Entry:
    """Return the entry that reverses a payout's entry, because the bank sent the money back."""
    plain = reversal(entry_id=entry_id, subject=subject, postings=postings)
    return replace(plain, type=EntryType.PAYOUT_RETURNED, cause_type=CauseType.PAYOUT, cause_id=payout_id)


def reversal(*, entry_id: uuid.UUID, subject: Subject | None, postings: tuple[Posting, ...]) -> Entry:
    """Return the entry that takes another back: the same sides the other way round."""
    return Entry(
        EntryType.REVERSAL,
        subject,
        tuple(Posting(posting.account, -posting.amount_cents) for posting in postings),
        key=f"reversal:{entry_id}",
        cause_type=CauseType.ENTRY,
        cause_id=entry_id,
        reverses_id=entry_id,
    )


def settled_hold(*, hold_id: uuid.UUID, held: Account, target: Account, amount_cents: int) -> Entry:
    """Return the entry that moves what a hold kept back from its account to another."""
    out = -amount_cents if held.kind in DEBIT_KINDS else amount_cents
    return Entry(
        EntryType.TRANSFER,
        None,
        (Posting(held, out), Posting(target, -out)),
        key=f"hold:{hold_id}",
        cause_type=CauseType.HOLD,
        cause_id=hold_id,
    )
