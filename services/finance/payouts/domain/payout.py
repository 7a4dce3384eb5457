"""The life of a payout, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.money import percent_of

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from services.finance.payments.domain.intent import Intent


class PayoutStatus(StrEnum):
    """Where a transfer to a vendor is."""

    AWAITING_APPROVAL = "awaiting_approval"
    PAID = "paid"
    REJECTED = "rejected"
    RETURNED = "returned"


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
    """What a transfer has to be."""

    minimum_cents: int = 0
    two_persons_above_cents: int = 0
    counted_cash_only: bool = False


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


def net_cents(intent: Intent) -> int:
    """Return what a vendor gets for an order: its amount without the platform's fee and what refunds took of it."""
    return intent.amount_cents - intent.fee_cents - intent.payable_refunded_cents


def fee_of_refund(*, amount_cents: int, refunded_cents: int, refunded_fee_cents: int, fee_basis_points: int) -> int:
    """Return the platform's part of a further refund.

    Of all refunds together, rounded half up as the fee was: many small ones come to the same as a single one, and a
    full refund gives back exactly the fee.
    """
    return percent_of(refunded_cents + amount_cents, basis_points=fee_basis_points) - refunded_fee_cents
