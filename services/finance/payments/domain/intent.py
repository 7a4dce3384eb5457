"""The life of a payment intent."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class IntentStatus(StrEnum):
    """Where the money of an order is."""

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


def earned_cents(intent: Any) -> int:
    """Return what is left of an order for its vendor, in its currency; nothing of one that came to nothing."""
    if intent.status == IntentStatus.REJECTED:
        return 0
    return int(intent.amount_cents - intent.fee_cents - intent.refunded_cents + intent.refunded_fee_cents)


def next_status(status: IntentStatus, action: IntentAction) -> IntentStatus | None:
    """Return the status after an action, or None when the action is not possible now."""
    return TRANSITIONS.get((status, action))


def due_cents(intent: Any) -> int:
    """Return what an order's buyer pays, or paid: what it costs less what was credited."""
    return int(intent.amount_cents - intent.credited_cents)
