"""Cash at the door: commerce says what the order costs, finance posts it, the agent's record follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.crash import crash_point
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.assignment import CASH_STATES
from services.fulfillment.delivery.flows.ask_commerce import keep_order, reassigned, status_name, translate_refusal
from services.fulfillment.delivery.usecases.follow_payment import Collected, keep_collection
from services.fulfillment.delivery.usecases.read_deliveries import lock_my_delivery, read_ever_mine
from services.fulfillment.errors import CashCollectedOtherwise, DeliveryStateInvalid, PaymentFinal, PaymentMismatch

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from marketmesh.commerce.v1.order_pb2 import Order
    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Cash, Orders, Payment


@dataclass(frozen=True)
class Collection:
    """What the agent says to hold."""

    order_id: uuid.UUID
    amount_cents: int
    currency: str


def collect_cash(
    flow: Flow, collection: Collection, *, orders: Orders, cash: Cash, respond: Callable[[Any], Message]
) -> Message:
    """Post the cash of the calling agent's delivery; the same sum again answers the same and posts nothing.

    Raises NotFound for another agent's order, DeliveryReassigned, DeliveryStateInvalid, PaymentMismatch, PaymentFinal,
    CashCollectedOtherwise, DependencyUnavailable.
    """
    crash_point("cash.called")
    with flow.read() as tx:
        known = read_ever_mine(tx, order_id=collection.order_id)
    crash_point("cash.claimed")
    payment = _post(flow, collection, known, orders=orders, cash=cash)
    crash_point("cash.posted")
    with flow.transaction() as tx:
        mine = lock_my_delivery(tx, order_id=collection.order_id)
        keep_collection(tx, collection.order_id, Collected(flow.principal.require_user, payment.collected_at or tx.now))
        if mine.payment_status != "paid":
            deliveries.change_payment(tx, collection.order_id, payment.status)
        tx.audit(target=collection.order_id, after={"amount_cents": collection.amount_cents})
        answer = flow.complete(tx, respond(read_ever_mine(tx, order_id=collection.order_id)))
        crash_point("cash.recorded")
    crash_point("cash.committed")
    return answer


def _post(flow: Flow, collection: Collection, known: Any, *, orders: Orders, cash: Cash) -> Payment:
    try:
        order = orders.read(flow.call, collection.order_id)
        crash_point("cash.order_read")
        _require_collectable(flow, known, order, cash=cash)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None
    with flow.transaction() as tx:
        keep_order(tx, order)
    crash_point("cash.taken_over")
    try:
        return cash.collect(
            flow.call,
            order=order,
            agent_user_id=flow.principal.require_user,
            amount_cents=collection.amount_cents,
            currency=collection.currency,
        )
    except RemoteRefusal as refusal:
        raise _refusal_of_finance(refusal) from None


def _require_collectable(flow: Flow, known: Any, order: Order, *, cash: Cash) -> None:
    """Refuse unless cash may be taken now; what was collected before stands, wherever the order is by now."""
    is_mine, state = known.unassigned_at is None, status_name(order)
    if is_mine and state in CASH_STATES:
        return
    payment = cash.read(flow.call, known.order_id)
    if payment.collected_by == flow.principal.require_user:
        return
    if not is_mine:
        raise reassigned(known)
    if payment.collected_at is None:
        raise DeliveryStateInvalid(state=state, allowed=", ".join(CASH_STATES))


def _refusal_of_finance(refusal: RemoteRefusal) -> Exception:
    told = refusal.metadata
    if refusal.reason == "PAYMENT_MISMATCH":
        return PaymentMismatch(
            refusal.message,
            expected_cents=told.get("expected_cents", ""),
            received_cents=told.get("received_cents", ""),
        )
    if refusal.reason == "PAYMENT_FINAL":
        return PaymentFinal(state=told.get("state", ""))
    if refusal.reason == "CASH_COLLECTED_OTHERWISE":
        return CashCollectedOtherwise(
            refusal.message,
            collected_cents=told.get("collected_cents", ""),
            received_cents=told.get("received_cents", ""),
        )
    return translate_refusal(refusal)
