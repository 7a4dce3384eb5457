"""Count what an agent handed in; the agent itself may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import NotFound, ValidationError
from meshkit.ids import new_id
from services.finance.cash.data import cash, cash_mismatches, custodies
from services.finance.cash.domain.cash import (
    CashPart,
    Custody,
    HandInAction,
    HandInStatus,
    handed_in,
    is_mismatch,
    next_status,
)
from services.finance.errors import CheckerMustDiffer, HandInStateInvalid
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.domain.intent import due_cents
from services.finance.payments.usecases.lock_payment import lock_payments_of_orders

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash import LockedHandIn
    from services.finance.payments.domain.intent import Intent


@dataclass(frozen=True)
class Count:
    """What the caller counted of each order."""

    hand_in_id: uuid.UUID
    currency: str
    counts: Sequence[tuple[uuid.UUID, int]]


@dataclass(frozen=True)
class Counted:
    """One order of a hand-in after the count; `mismatch_id` when something does not fit."""

    intent: Intent
    declared_cents: int
    counted_cents: int
    mismatch_id: uuid.UUID | None


def count_hand_in(tx: Tx, count: Count) -> None:
    """Post what was counted to the station, and open a mismatch, which blocks the payout, for each order whose cash does not fit.

    Raises NotFound, CheckerMustDiffer for the agent, HandInStateInvalid for the second count, ValidationError.
    """
    hand_in = cash.lock(tx, count.hand_in_id)
    if hand_in is None:
        raise NotFound
    if hand_in.agent_user_id == tx.principal.require_user:
        raise CheckerMustDiffer(caller_is=CashPart.AGENT)
    if hand_in.status != HandInStatus.DECLARED:
        raise HandInStateInvalid(state=hand_in.status)
    if count.currency != hand_in.currency:
        raise ValidationError.of("currency", f"must be the hand-in's currency, {hand_in.currency}")
    declared = {item.order_id: item.declared_cents for item in cash.items_of(tx, hand_in.id)}
    counted = dict(count.counts)
    if len(counted) < len(count.counts) or counted.keys() != declared.keys():
        raise ValidationError.of("counts", "must name every order of the hand-in once and no other")
    locked = lock_payments_of_orders(tx, order_ids=list(counted))
    assert len(locked) == len(counted), "no intent is ever deleted"
    orders = [_counted(intent, declared[intent.subject_id], counted[intent.subject_id]) for intent in locked]
    wrong = [order for order in orders if order.mismatch_id]
    status = next_status(HandInStatus(hand_in.status), HandInAction.COUNT_WRONG if wrong else HandInAction.COUNT_RIGHT)
    assert status is not None, "a declared hand-in can be counted"
    cash.count(tx, hand_in.id, counted=counted, status=status)
    custodies.set_counted(tx, [order.intent.id for order in orders])
    _post(tx, hand_in, orders)
    if wrong:
        cash_mismatches.add(tx, [_mismatch_row(hand_in, order) for order in wrong])
        custodies.set_mismatches(tx, {order.intent.id: order.mismatch_id for order in wrong})
    tx.audit(
        target=hand_in.id,
        before={"status": hand_in.status},
        after={"status": status, "counted_cents": {str(order): cents for order, cents in counted.items()}},
    )
    for order in orders:
        _announce(tx, hand_in, order)


def _counted(intent: Intent, declared_cents: int, counted_cents: int) -> Counted:
    wrong = is_mismatch(collected_cents=due_cents(intent), declared_cents=declared_cents, counted_cents=counted_cents)
    return Counted(intent, declared_cents, counted_cents, new_id() if wrong else None)


def _post(tx: Tx, hand_in: LockedHandIn, orders: Sequence[Counted]) -> None:
    made = [
        NewEntry(
            handed_in(
                Custody(order.intent.subject_id, hand_in.agent_user_id, hand_in.station_id, hand_in.currency),
                cents=order.counted_cents,
                hand_in_id=hand_in.id,
            ),
            buyer_store_id=order.intent.buyer_store_id,
            vendor_store_id=order.intent.vendor_store_id,
        )
        for order in orders
        if order.counted_cents
    ]
    post_entries(tx, made)


def _mismatch_row(hand_in: LockedHandIn, order: Counted) -> dict[str, object]:
    return {
        "id": order.mismatch_id,
        "hand_in_id": hand_in.id,
        "order_id": order.intent.subject_id,
        "agent_user_id": hand_in.agent_user_id,
    }


def _announce(tx: Tx, hand_in: LockedHandIn, order: Counted) -> None:
    handed_in_event = events.CashHandedIn(
        order_id=str(order.intent.subject_id),
        order_number=order.intent.subject_number,
        payment_intent_id=str(order.intent.id),
        vendor_store_id=str(order.intent.vendor_store_id),
        hand_in_id=str(hand_in.id),
        agent_user_id=str(hand_in.agent_user_id),
        station_id=str(hand_in.station_id),
        counted_cents=order.counted_cents,
        currency=hand_in.currency,
    )
    handed_in_event.counted_at.FromDatetime(tx.now)
    tx.emit(handed_in_event)
    if order.mismatch_id:
        tx.emit(
            events.CashMismatchFound(
                order_id=str(order.intent.subject_id),
                order_number=order.intent.subject_number,
                payment_intent_id=str(order.intent.id),
                vendor_store_id=str(order.intent.vendor_store_id),
                hand_in_id=str(hand_in.id),
                agent_user_id=str(hand_in.agent_user_id),
                mismatch_id=str(order.mismatch_id),
                collected_cents=due_cents(order.intent),
                declared_cents=order.declared_cents,
                counted_cents=order.counted_cents,
                currency=hand_in.currency,
            )
        )
