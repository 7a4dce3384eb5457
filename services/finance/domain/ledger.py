"""Double entry: every entry has postings that sum to zero per currency. Debits are positive, credits negative."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid


class AccountKind(StrEnum):
    """What an account stands for. The owner is an agent, a store, or nobody for the platform's own."""

    # Cash a delivery agent carries for us (asset).
    CASH_IN_TRANSIT = "cash_in_transit"
    # Money on the platform's own account (asset).
    CASH_CLEARING = "cash_clearing"
    # What we owe a vendor (liability).
    VENDOR_PAYABLE = "vendor_payable"
    # What we earn (revenue).
    PLATFORM_FEE = "platform_fee"


class EntryType(StrEnum):
    """Why an entry was made (REQUIREMENTS A.3, ledger_event_type)."""

    CASH_COLLECTED = "cash_collected"
    VENDOR_PAYOUT = "vendor_payout"


@dataclass(frozen=True)
class Account:
    """An account's name: kind, owner and currency."""

    kind: AccountKind
    currency: str
    owner_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Posting:
    """One side of an entry: minor units, debit positive, credit negative."""

    account: Account
    amount_cents: int


@dataclass(frozen=True)
class Entry:
    """Something that happened to money, with at least two postings. Immutable; corrections are new entries."""

    type: EntryType
    order_id: uuid.UUID
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        assert len(self.postings) >= 2, "an entry has at least two sides"
        assert all(posting.amount_cents for posting in self.postings), "a posting moves something"
        assert not any(unbalanced(self.postings).values()), "an entry sums to zero per currency"


def unbalanced(postings: tuple[Posting, ...]) -> dict[str, int]:
    """Return the sum per currency; a valid entry has only zeros."""
    sums: dict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.account.currency] += posting.amount_cents
    return dict(sums)


def cash_collected(
    *, order_id: uuid.UUID, agent_id: uuid.UUID, vendor_id: uuid.UUID, amount_cents: int, fee_cents: int, currency: str
) -> Entry:
    """Return the entry of cash taken by an agent: we hold it in transit, owe the vendor, and earned the fee."""
    postings = [
        Posting(Account(AccountKind.CASH_IN_TRANSIT, currency, agent_id), amount_cents),
        Posting(Account(AccountKind.VENDOR_PAYABLE, currency, vendor_id), fee_cents - amount_cents),
        Posting(Account(AccountKind.PLATFORM_FEE, currency), -fee_cents),
    ]
    return Entry(EntryType.CASH_COLLECTED, order_id, tuple(posting for posting in postings if posting.amount_cents))


def vendor_payout(*, order_id: uuid.UUID, vendor_id: uuid.UUID, payout_cents: int, currency: str) -> Entry:
    """Return the entry of a payout: we owe the vendor less and have less."""
    return Entry(
        EntryType.VENDOR_PAYOUT,
        order_id,
        (
            Posting(Account(AccountKind.VENDOR_PAYABLE, currency, vendor_id), payout_cents),
            Posting(Account(AccountKind.CASH_CLEARING, currency), -payout_cents),
        ),
    )
