"""Cash on its way from an agent to a station: the life of a hand-in, what is a mismatch, and what is posted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from services.finance.ledger.domain.ledger import Account, AccountKind, CauseType, Entry, EntryType, Posting
from services.finance.ledger.domain.subject import order

if TYPE_CHECKING:
    import uuid


class HandInStatus(StrEnum):
    """Where a hand-in is."""

    DECLARED = "declared"
    MATCHED = "matched"
    MISMATCHED = "mismatched"
    RESOLVED = "resolved"


class CashPart(StrEnum):
    """What somebody had to do with cash that somebody else has to check."""

    AGENT = "agent"
    COUNTER = "counter"


class HandInAction(StrEnum):
    """What can happen to a hand-in."""

    COUNT_RIGHT = "count_right"
    COUNT_WRONG = "count_wrong"
    RESOLVE_LAST = "resolve_last"


# A hand-in begins as declared. What is not here is refused.
TRANSITIONS: dict[tuple[HandInStatus, HandInAction], HandInStatus] = {
    (HandInStatus.DECLARED, HandInAction.COUNT_RIGHT): HandInStatus.MATCHED,
    (HandInStatus.DECLARED, HandInAction.COUNT_WRONG): HandInStatus.MISMATCHED,
    (HandInStatus.MISMATCHED, HandInAction.RESOLVE_LAST): HandInStatus.RESOLVED,
}


def next_status(status: HandInStatus, action: HandInAction) -> HandInStatus | None:
    """Return the status after an action, or None when the action is not possible now."""
    return TRANSITIONS.get((status, action))


def is_mismatch(*, collected_cents: int, declared_cents: int, counted_cents: int) -> bool:
    """Return whether what was collected, declared and counted of an order's cash differs."""
    return not collected_cents == declared_cents == counted_cents


@dataclass(frozen=True)
class Declared:
    """What was collected for an order, and what its agent says it hands in of that."""

    order_id: uuid.UUID
    order_number: int
    collected_cents: int
    declared_cents: int


@dataclass(frozen=True)
class Custody:
    """An order's cash on its way: who carries it, and to which station."""

    order_id: uuid.UUID
    agent_id: uuid.UUID
    station_id: uuid.UUID
    currency: str

    @property
    def carried(self) -> Account:
        """Return the account of what the agent carries."""
        return Account(AccountKind.CASH_IN_TRANSIT, self.currency, self.agent_id)

    @property
    def at_station(self) -> Account:
        """Return the account of what the station has."""
        return Account(AccountKind.CASH_CLEARING, self.currency, self.station_id)


def handed_in(custody: Custody, *, cents: int, hand_in_id: uuid.UUID) -> Entry:
    """Return the entry of what was counted: the station has it and the agent does not."""
    return Entry(
        EntryType.CASH_HANDED_IN,
        order(custody.order_id),
        (Posting(custody.at_station, cents), Posting(custody.carried, -cents)),
        key=f"cash_handed_in:{hand_in_id}:{custody.order_id}",
        cause_type=CauseType.HAND_IN,
        cause_id=hand_in_id,
    )


def recovered(custody: Custody, *, cents: int, mismatch_id: uuid.UUID) -> Entry:
    """Return the entry of what was missing at the count and was found since."""
    return Entry(
        EntryType.CASH_HANDED_IN,
        order(custody.order_id),
        (Posting(custody.at_station, cents), Posting(custody.carried, -cents)),
        key=f"cash_recovered:{mismatch_id}",
        cause_type=CauseType.CASH_MISMATCH,
        cause_id=mismatch_id,
    )


def written_off(custody: Custody, *, cents: int, mismatch_id: uuid.UUID) -> Entry:
    """Return the entry of a difference nobody can explain: a loss when positive, a surplus when negative."""
    return Entry(
        EntryType.CASH_DIFFERENCE,
        order(custody.order_id),
        (
            Posting(Account(AccountKind.CASH_DIFFERENCE, custody.currency), cents),
            Posting(custody.carried, -cents),
        ),
        key=f"cash_difference:{mismatch_id}",
        cause_type=CauseType.CASH_MISMATCH,
        cause_id=mismatch_id,
    )
