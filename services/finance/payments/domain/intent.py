"""The life of a payment intent."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from meshkit.money import percent_of
from services.finance.ledger.domain.subject import Subject, SubjectKind


class Intent(NamedTuple):
    """What is owed for a subject, and what has become of it. It is a row, and what payments gives to its siblings."""

    id: uuid.UUID
    subject_kind: str
    subject_id: uuid.UUID
    subject_number: int
    subject_version: int
    subject_status: str
    buyer_store_id: uuid.UUID
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    method: str
    status: str
    amount_cents: int
    fee_basis_points: int
    fee_cents: int
    currency: str
    failure_reason: str
    delivered_at: datetime | None
    vendor_paid_at: datetime | None
    payout_returned_at: datetime | None
    payout_id: uuid.UUID | None
    refunded_cents: int
    refunded_fee_cents: int
    credited_cents: int
    payable_refunded_cents: int
    created_at: datetime

    @property
    def subject(self) -> Subject:
        """Return what it is for."""
        return Subject(SubjectKind(self.subject_kind), self.subject_id)


class IntentDetail(NamedTuple):
    """What cash custody and payouts say of an intent: who holds its cash, and what keeps it from its payout."""

    cash_collected_at: datetime | None
    collected_by_user_id: uuid.UUID | None
    hand_in_id: uuid.UUID | None
    cash_counted_at: datetime | None
    cash_mismatch_id: uuid.UUID | None
    payout_hold_reason: str


class VendorTotals(NamedTuple):
    """What a vendor's orders leave for it in a currency: paid out, due, and not settled yet."""

    currency: str
    orders: int
    paid_cents: int
    due_cents: int
    open_cents: int


class IntentStatus(StrEnum):
    """Where the money of a subject is."""

    UNPAID = "unpaid"
    PENDING = "pending"
    SETTLED = "settled"
    PAID = "paid"
    FAILED = "failed"
    REJECTED = "rejected"


class IntentAction(StrEnum):
    """What can happen to an intent."""

    COLLECT = "collect"
    FAIL = "fail"
    REOPEN = "reopen"
    PAY_OUT = "pay_out"
    TAKE_BACK = "take_back"
    REJECT = "reject"
    # Nothing is left to pay: no cash is taken, no vendor paid.
    SETTLE_NOTHING = "settle_nothing"


# An order in one of these states will never be paid for.
DEAD_ORDERS = {"rejected", "canceled", "expired"}

# Source: REQUIREMENTS A.6.6, A.6.7. What is not here is refused.
TRANSITIONS: dict[tuple[IntentStatus, IntentAction], IntentStatus] = {
    (IntentStatus.UNPAID, IntentAction.COLLECT): IntentStatus.SETTLED,
    (IntentStatus.UNPAID, IntentAction.FAIL): IntentStatus.FAILED,
    (IntentStatus.UNPAID, IntentAction.SETTLE_NOTHING): IntentStatus.PAID,
    (IntentStatus.PENDING, IntentAction.SETTLE_NOTHING): IntentStatus.PAID,
    (IntentStatus.FAILED, IntentAction.SETTLE_NOTHING): IntentStatus.PAID,
    (IntentStatus.UNPAID, IntentAction.REJECT): IntentStatus.REJECTED,
    (IntentStatus.PENDING, IntentAction.FAIL): IntentStatus.FAILED,
    (IntentStatus.PENDING, IntentAction.REJECT): IntentStatus.REJECTED,
    (IntentStatus.FAILED, IntentAction.REOPEN): IntentStatus.UNPAID,
    (IntentStatus.FAILED, IntentAction.REJECT): IntentStatus.REJECTED,
    (IntentStatus.SETTLED, IntentAction.PAY_OUT): IntentStatus.PAID,
    (IntentStatus.PAID, IntentAction.TAKE_BACK): IntentStatus.SETTLED,
}


def earned_cents(intent: Intent) -> int:
    """Return what is left for the vendor, in its currency; nothing of a rejected one."""
    if intent.status == IntentStatus.REJECTED:
        return 0
    return intent.amount_cents - intent.fee_cents - intent.refunded_cents + intent.refunded_fee_cents


def next_status(status: IntentStatus, action: IntentAction) -> IntentStatus | None:
    """Return the status after an action, or None when the action is not possible now."""
    return TRANSITIONS.get((status, action))


def due_cents(intent: Intent) -> int:
    """Return what the buyer pays, or paid: the amount less what was credited."""
    return intent.amount_cents - intent.credited_cents


def net_cents(intent: Intent) -> int:
    """Return what the vendor gets: the amount without the platform's fee and what refunds took of it."""
    return intent.amount_cents - intent.fee_cents - intent.payable_refunded_cents


def fee_of_refund(*, amount_cents: int, refunded_cents: int, refunded_fee_cents: int, fee_basis_points: int) -> int:
    """Return the platform's part of a further refund.

    The part of all refunds together is rounded half up, as the fee was, and what was given back before is taken off: many
    small refunds come to the same as a single one, and a full refund gives back exactly the fee.
    """
    return percent_of(refunded_cents + amount_cents, basis_points=fee_basis_points) - refunded_fee_cents
