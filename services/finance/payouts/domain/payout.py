"""The life of a payout, its terms, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from decimal import Decimal

    from services.finance.payments.domain.intent import Intent


class PayoutStatus(StrEnum):
    """Where a transfer to a vendor is."""

    AWAITING_APPROVAL = "awaiting_approval"
    PAID = "paid"
    REJECTED = "rejected"
    RETURNED = "returned"


class PayoutSkip(StrEnum):
    """Why a vendor is not paid in a run."""

    BELOW_MINIMUM = "BELOW_MINIMUM"


class PayoutHoldState(StrEnum):
    """Whether a payment is held back from payouts, where that matters."""

    NOT_HELD = "not_held"


class PayoutAction(StrEnum):
    """What can happen to a payout."""

    APPROVE = "approve"
    REFUSE = "refuse"
    TAKE_BACK = "take_back"


# A payout below the threshold begins as paid. What is not here is refused.
TRANSITIONS: dict[tuple[PayoutStatus, PayoutAction], PayoutStatus] = {
    (PayoutStatus.AWAITING_APPROVAL, PayoutAction.APPROVE): PayoutStatus.PAID,
    (PayoutStatus.AWAITING_APPROVAL, PayoutAction.REFUSE): PayoutStatus.REJECTED,
    (PayoutStatus.PAID, PayoutAction.TAKE_BACK): PayoutStatus.RETURNED,
}


def next_status(status: PayoutStatus, action: PayoutAction) -> PayoutStatus | None:
    """Return the status after an action, or None when the action is not possible now."""
    return TRANSITIONS.get((status, action))


@dataclass(frozen=True)
class PayoutTerms:
    """From which sum on a payout is made, above which it waits for a second person, and whether cash must be counted."""

    minimum_cents: int = 0
    two_persons_above_cents: int = 0
    counted_cash_only: bool = False

    def is_too_small(self, amount_cents: int | Decimal) -> bool:
        """Return whether a transfer waits for more. One of nothing is none: it only closes its orders."""
        return 0 < amount_cents < self.minimum_cents


@dataclass(frozen=True)
class Share:
    """A payout: a vendor's due orders in one currency, and what they come to."""

    payout_id: uuid.UUID
    intents: Sequence[Intent]
    gross_cents: int
    # What the vendor owes us and this payout keeps back.
    netted_cents: int

    @property
    def amount_cents(self) -> int:
        """Return what is transferred."""
        return self.gross_cents - self.netted_cents
