"""Record that an agent has collected an order's cash (REQUIREMENTS A.6.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import DependencyUnavailable, NotFound
from services.finance.cash.data import custodies
from services.finance.errors import CashCollectedOtherwise, PaymentFinal, PaymentMismatch
from services.finance.ledger.domain.subject import order
from services.finance.payments.domain.intent import IntentAction, IntentStatus, due_cents, next_status
from services.finance.payments.usecases.fail_payment import fail_payment
from services.finance.payments.usecases.lock_payment import lock_payment
from services.finance.payments.usecases.read_payment import read_payment_detail
from services.finance.payments.usecases.settle_payment import settle_payment

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent

_COLLECTED = {IntentStatus.SETTLED, IntentStatus.PAID}


@dataclass(frozen=True)
class CashCount:
    """What an agent says it has collected, and what commerce says the order costs."""

    order_id: uuid.UUID
    agent_id: uuid.UUID
    amount_cents: int
    currency: str
    order_total_cents: int
    order_version: int


def collect_cash(tx: Tx, count: CashCount) -> Intent:
    """Settle the intent and post the cash; returns the intent. A repeat by the same agent with the same sum answers the same.

    Raises CashCollectedOtherwise; DependencyUnavailable while the order, which the caller has read from commerce, or what it costs
    now has not arrived here; PaymentFinal; and PaymentMismatch, with which the failed intent and its announcement are committed.
    """
    try:
        intent = lock_payment(tx, order(count.order_id))
    except NotFound:
        raise DependencyUnavailable("The order has not arrived yet.", dependency="commerce.order.v1") from None
    if intent.status in _COLLECTED:
        _require_as_collected(intent, read_payment_detail(tx, intent).collected_by_user_id, count)
        return intent
    # Of a newer version that costs the same nothing need arrive: commerce announces no change that finance has told it of.
    if intent.subject_version < count.order_version and intent.amount_cents != count.order_total_cents:
        raise DependencyUnavailable("What the order costs now has not arrived yet.", dependency="commerce.order.v1")
    is_collectable = next_status(IntentStatus(intent.status), IntentAction.COLLECT) is not None
    if not is_collectable or intent.method != "cash":
        raise PaymentFinal(state=intent.status)
    _require_match(tx, intent, count)
    settled = settle_payment(tx, intent, agent_id=count.agent_id)
    custodies.add(tx, intent.id, agent_id=count.agent_id)
    tx.audit(target=intent.subject_id, before={"status": intent.status}, after={"status": settled.status})
    tx.emit(_collected_event(tx, intent, count))
    return settled


def _require_as_collected(intent: Intent, agent_id: uuid.UUID | None, count: CashCount) -> None:
    collected = due_cents(intent)
    is_same_sum = (count.amount_cents, count.currency) == (collected, intent.currency)
    if is_same_sum and agent_id in (None, count.agent_id):
        return
    raise CashCollectedOtherwise(
        f"{collected} {intent.currency} were collected for the order, not {count.amount_cents} {count.currency}."
        if not is_same_sum
        else "Another agent has collected the order's cash.",
        collected_cents=str(collected),
        received_cents=str(count.amount_cents),
        collected_by=str(agent_id or ""),
    )


def _require_match(tx: Tx, intent: Intent, count: CashCount) -> None:
    due = due_cents(intent)
    money_fits = count.amount_cents == due and count.currency == intent.currency
    if money_fits and count.order_total_cents == intent.amount_cents:
        return
    reason = (
        f"received {count.amount_cents} {count.currency}, order costs {count.order_total_cents},"
        f" intent is over {intent.amount_cents} {intent.currency}"
        + (f", {intent.credited_cents} of it credited" if intent.credited_cents else "")
    )
    fail_payment(tx, intent, received_cents=count.amount_cents, reason=reason)
    # The failed payment is committed; the original lost it by rolling back (REQUIREMENTS A.6.6, [bug]).
    raise PaymentMismatch(
        "The money does not fit the order.",
        expected_cents=str(due),
        received_cents=str(count.amount_cents),
    ).keeping_writes()


def _collected_event(tx: Tx, intent: Intent, count: CashCount) -> events.CashCollected:
    event = events.CashCollected(
        order_id=str(intent.subject_id),
        payment_intent_id=str(intent.id),
        buyer_store_id=str(intent.buyer_store_id),
        vendor_store_id=str(intent.vendor_store_id),
        agent_user_id=str(count.agent_id),
        amount_cents=due_cents(intent),
        currency=intent.currency,
        order_number=intent.subject_number,
    )
    event.cash_collected_at.FromDatetime(tx.now)
    return event
