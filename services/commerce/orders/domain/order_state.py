"""States of orders and lines, and every move between them (REQUIREMENTS A.6.4).

A status is written from these tables only: of one order as a `Move`, of many by `only_target`. The status that a payment hold
interrupted is only remembered; REOPEN_PAYMENT takes the order back there if the table lets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class OrderStatus(StrEnum):
    """Where a vendor order stands."""

    CREATED_PENDING = "created_pending"
    ACCEPTED = "accepted"
    PARTIALLY_ACCEPTED = "partially_accepted"
    REJECTED = "rejected"
    FULFILLED = "fulfilled"
    READY_FOR_DISPATCH = "ready_for_dispatch"
    HOLD = "hold"
    HOLD_FOR_PICKUP = "hold_for_pickup"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class HoldReason(StrEnum):
    """Why an order is on hold."""

    AWAITING_PICKUP = "awaiting_pickup"
    PAYMENT_MISMATCH = "payment_mismatch"


class LineStatus(StrEnum):
    """Where a line stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FULFILLED = "fulfilled"
    HOLD = "hold"


class PaymentStatus(StrEnum):
    """What commerce knows of the order's money; finance decides it."""

    UNPAID = "unpaid"
    PENDING = "pending"
    SETTLED = "settled"
    PAID = "paid"
    FAILED = "failed"
    REJECTED = "rejected"


class RefundStatus(StrEnum):
    """How much of an order's money went back to its buyer."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class Action(StrEnum):
    """What may happen to an order."""

    ACCEPT = "accept"
    REJECT = "reject"
    DECIDE_LINE = "decide_line"
    FULFILL = "fulfill"
    CANCEL = "cancel"
    # The lifetime job: remind the vendor of an order, let it expire.
    REMIND = "remind"
    EXPIRE = "expire"
    # The buyer of an order: ask for a decision, buy again what expired.
    NUDGE = "nudge"
    RETRY = "retry"
    PICKUP = "pickup"
    DELIVER = "deliver"
    COLLECT_CASH = "collect_cash"
    FAIL_PAYMENT = "fail_payment"
    REOPEN_PAYMENT = "reopen_payment"
    PAY_VENDOR = "pay_vendor"


S = TypeVar("S", bound=StrEnum)
_S = OrderStatus
_PACKED = (_S.READY_FOR_DISPATCH, _S.HOLD, _S.HOLD_FOR_PICKUP)
_BEFORE_TRANSIT = (_S.CREATED_PENDING, _S.ACCEPTED, _S.PARTIALLY_ACCEPTED, _S.FULFILLED, *_PACKED)
_ALIVE = (*_BEFORE_TRANSIT, _S.IN_TRANSIT, _S.DELIVERED)

# Orders that wait for the vendor: to decide or to pack. An index repeats it.
ACTIONABLE = (_S.CREATED_PENDING, _S.ACCEPTED, _S.PARTIALLY_ACCEPTED)
# What an order has as its payment status once finance has the money.
RECEIVED = (PaymentStatus.SETTLED, PaymentStatus.PAID)

# action -> status before -> statuses it may lead to. What is not here is refused.
TRANSITIONS: Mapping[Action, Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    Action.ACCEPT: {_S.CREATED_PENDING: frozenset({_S.ACCEPTED})},
    Action.REJECT: {_S.CREATED_PENDING: frozenset({_S.REJECTED})},
    Action.DECIDE_LINE: {
        # Deciding the last pending line packs the order, which puts it on hold.
        _S.CREATED_PENDING: frozenset({_S.CREATED_PENDING, _S.PARTIALLY_ACCEPTED, _S.HOLD, _S.REJECTED}),
        _S.ACCEPTED: frozenset({_S.PARTIALLY_ACCEPTED, _S.REJECTED}),
        _S.PARTIALLY_ACCEPTED: frozenset({_S.PARTIALLY_ACCEPTED, _S.CREATED_PENDING, _S.HOLD, _S.REJECTED}),
        # A packed order stays packed until its last line is rejected.
        _S.HOLD: frozenset({_S.HOLD, _S.REJECTED}),
    },
    # A packed order stays as it is, so that fulfilling is idempotent.
    Action.FULFILL: {
        _S.ACCEPTED: frozenset({_S.HOLD}),
        _S.PARTIALLY_ACCEPTED: frozenset({_S.HOLD}),
        **{status: frozenset({status}) for status in _PACKED},
    },
    Action.CANCEL: {status: frozenset({_S.CANCELED}) for status in _BEFORE_TRANSIT},
    Action.REMIND: {_S.CREATED_PENDING: frozenset({_S.CREATED_PENDING})},
    Action.EXPIRE: {_S.CREATED_PENDING: frozenset({_S.EXPIRED})},
    Action.NUDGE: {_S.CREATED_PENDING: frozenset({_S.CREATED_PENDING})},
    # The expired order stays expired; another order takes its place.
    Action.RETRY: {_S.EXPIRED: frozenset({_S.EXPIRED})},
    Action.PICKUP: {status: frozenset({_S.IN_TRANSIT}) for status in (*_PACKED, _S.IN_TRANSIT)},
    Action.DELIVER: {status: frozenset({_S.DELIVERED}) for status in (_S.IN_TRANSIT, _S.DELIVERED)},
    Action.COLLECT_CASH: {status: frozenset({status}) for status in (*_PACKED, _S.IN_TRANSIT, _S.DELIVERED)},
    Action.FAIL_PAYMENT: {status: frozenset({_S.HOLD}) for status in _ALIVE},
    # Back to the status it was put on hold from.
    Action.REOPEN_PAYMENT: {_S.HOLD: frozenset(_ALIVE)},
    Action.PAY_VENDOR: {_S.DELIVERED: frozenset({_S.CLOSED}), _S.CLOSED: frozenset({_S.CLOSED})},
}

_L = LineStatus

# The same for an order's lines. Actions that are not here leave lines as they are.
LINE_TRANSITIONS: Mapping[Action, Mapping[LineStatus, frozenset[LineStatus]]] = {
    Action.ACCEPT: {_L.PENDING: frozenset({_L.ACCEPTED})},
    Action.REJECT: {status: frozenset({_L.REJECTED}) for status in (_L.PENDING, _L.ACCEPTED)},
    # Packed lines can be taken out, not accepted once more.
    Action.DECIDE_LINE: {
        _L.PENDING: frozenset({_L.ACCEPTED, _L.REJECTED}),
        **{status: frozenset({_L.REJECTED}) for status in (_L.ACCEPTED, _L.FULFILLED, _L.HOLD)},
    },
    Action.FULFILL: {_L.ACCEPTED: frozenset({_L.FULFILLED})},
    Action.EXPIRE: {status: frozenset({_L.REJECTED}) for status in LineStatus if status is not _L.REJECTED},
}


@dataclass(frozen=True, slots=True)
class Move:
    """A move of the table from a status to the same or another one."""

    action: Action
    before: OrderStatus
    after: OrderStatus

    def __post_init__(self) -> None:
        """Refuse what is not in the table. Raises ValueError."""
        if self.after not in targets(self.action, self.before):
            raise ValueError(f"{self.action} does not lead from {self.before} to {self.after}")

    @property
    def stays(self) -> bool:
        """Return whether the status remains what it is."""
        return self.after is self.before


def find_move(action: Action, before: OrderStatus, *, to: OrderStatus | None = None) -> Move | None:
    """Return the move that an action makes, None where it is refused; `to` says which, where there are several."""
    allowed = targets(action, before)
    if not allowed or (to is not None and to not in allowed):
        return None
    if to is None:
        (to,) = allowed
    return Move(action, before, to)


def targets(action: Action, status: OrderStatus) -> frozenset[OrderStatus]:
    """Return the statuses that an action may lead to; empty when it is refused."""
    return TRANSITIONS[action].get(status, frozenset())


def line_targets(action: Action, status: LineStatus) -> frozenset[LineStatus]:
    """Return the statuses that an action may lead a line to; empty when it is refused."""
    return LINE_TRANSITIONS.get(action, {}).get(status, frozenset())


def only_target(moves: Mapping[S, frozenset[S]]) -> S:
    """Return the one status to which all moves of an action lead, wherever they begin. Raises ValueError for several."""
    (target,) = frozenset[S]().union(*moves.values())
    return target


def sources(action: Action) -> str:
    """Return the statuses that allow an action, as a refusal names them."""
    return ", ".join(TRANSITIONS[action])


def refund_status(*, refunded_cents: int, total_cents: int) -> RefundStatus:
    """Return how much of an order's price the refunded cents are: none, part or all."""
    if refunded_cents <= 0:
        return RefundStatus.NONE
    return RefundStatus.FULL if refunded_cents >= total_cents else RefundStatus.PARTIAL


def status_of_lines(statuses: Iterable[LineStatus]) -> OrderStatus:
    """Return the status that line decisions give an order before it is packed (S3-7.11)."""
    present = set(statuses)
    accepted = bool(present & {LineStatus.ACCEPTED, LineStatus.FULFILLED})
    if LineStatus.PENDING in present:
        return OrderStatus.PARTIALLY_ACCEPTED if accepted else OrderStatus.CREATED_PENDING
    if not accepted:
        return OrderStatus.REJECTED
    return OrderStatus.PARTIALLY_ACCEPTED if LineStatus.REJECTED in present else OrderStatus.ACCEPTED
