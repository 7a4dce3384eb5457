"""Cash at the door: commerce says what the order costs, finance posts it, the agent's record follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.assignment import CASH_STATES
from services.fulfillment.delivery.flows.ask_commerce import reassigned, record_order, translate_refusal
from services.fulfillment.delivery.usecases.lock_my_assignment import lock_my_assignment
from services.fulfillment.delivery.usecases.read_my_assignment import read_my_assignment
from services.fulfillment.delivery.usecases.record_collection import Collected, record_collection
from services.fulfillment.errors import CashCollectedOtherwise, DeliveryStateInvalid, PaymentFinal, PaymentMismatch

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.fulfillment.delivery.data.deliveries import AgentDelivery
    from services.fulfillment.delivery.domain.order import Order
    from services.fulfillment.outbound.ports import Cash, Orders, Payment


@dataclass(frozen=True)
class Collection:
    """The cash that the agent says was collected."""

    order_id: uuid.UUID
    amount_cents: int
    currency: str


def collect_cash(
    flow: Flow, collection: Collection, *, orders: Orders, cash: Cash, respond: Callable[[AgentDelivery], Message]
) -> Message:
    """Post the cash of the calling agent's delivery; the same sum again answers the same and posts nothing.

    Raises NotFound for another agent's order, DeliveryReassigned, DeliveryStateInvalid, PaymentMismatch, PaymentFinal,
    CashCollectedOtherwise, DependencyUnavailable.
    """
    with flow.read() as tx:
        before = read_my_assignment(tx, order_id=collection.order_id)
    payment = _post(flow, collection, before, orders=orders, cash=cash)
    with flow.transaction() as tx:
        mine = lock_my_assignment(tx, order_id=collection.order_id)
        collected = Collected(flow.principal.require_user, payment.collected_at or tx.now)
        record_collection(tx, collected, order_id=collection.order_id)
        if mine.payment_status != "paid":
            deliveries.change_payment(tx, collection.order_id, payment.status)
        tx.audit(target=collection.order_id, after={"amount_cents": collection.amount_cents})
        return flow.complete(tx, respond(read_my_assignment(tx, order_id=collection.order_id)))


def _post(flow: Flow, collection: Collection, delivery: AgentDelivery, *, orders: Orders, cash: Cash) -> Payment:
    try:
        order = orders.read(flow.call, collection.order_id)
        _require_collectable(flow, delivery, order, cash=cash)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None
    with flow.transaction() as tx:
        record_order(tx, order)
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


def _require_collectable(flow: Flow, delivery: AgentDelivery, order: Order, *, cash: Cash) -> None:
    """Refuse unless cash may be taken now; cash that was collected before stays collected, whatever the order's state is by now."""
    is_mine = delivery.unassigned_at is None
    if is_mine and order.status in CASH_STATES:
        return
    payment = cash.read(flow.call, delivery.order_id)
    if payment.collected_by == flow.principal.require_user:
        return
    if not is_mine:
        raise reassigned(delivery)
    if payment.collected_at is None:
        raise DeliveryStateInvalid(state=order.status, allowed=", ".join(CASH_STATES))


def _refusal_of_finance(refusal: RemoteRefusal) -> Exception:
    metadata = refusal.metadata
    if refusal.reason == "PAYMENT_MISMATCH":
        return PaymentMismatch(
            refusal.message,
            expected_cents=metadata.get("expected_cents", ""),
            received_cents=metadata.get("received_cents", ""),
        )
    if refusal.reason == "PAYMENT_FINAL":
        return PaymentFinal(state=metadata.get("state", ""))
    if refusal.reason == "CASH_COLLECTED_OTHERWISE":
        return CashCollectedOtherwise(
            refusal.message,
            collected_cents=metadata.get("collected_cents", ""),
            received_cents=metadata.get("received_cents", ""),
        )
    return translate_refusal(refusal)
