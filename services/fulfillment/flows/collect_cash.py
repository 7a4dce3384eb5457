"""Cash at the door: commerce says what the order costs, finance posts it, the agent's record follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.crash import crash_point
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.data import deliveries
from services.fulfillment.domain.assignment import CASH_STATES
from services.fulfillment.errors import DeliveryStateInvalid, PaymentFinal, PaymentMismatch
from services.fulfillment.flows.pick_up import status_name, take_over_order, translate_refusal
from services.fulfillment.usecases.read_deliveries import read_my_delivery

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Cash, Orders


@dataclass(frozen=True)
class Collection:
    """What the agent says to hold."""

    order_id: uuid.UUID
    amount_cents: int
    currency: str


def collect_cash(
    flow: Flow, collection: Collection, *, orders: Orders, cash: Cash, respond: Callable[[Any], Message]
) -> Message:
    """Post the cash of the calling agent's delivery; again answers the same and posts nothing.

    Raises NotFound for another agent's order, DeliveryStateInvalid, PaymentMismatch, PaymentFinal,
    DependencyUnavailable.
    """
    agent = flow.principal.require_user
    crash_point("cash.called")
    with flow.read() as tx:
        known = read_my_delivery(tx, order_id=collection.order_id)
    crash_point("cash.claimed")
    if known.cash_pickup_time is None:
        _post(flow, collection, orders=orders, cash=cash)
    crash_point("cash.posted")
    with flow.transaction() as tx:
        deliveries.note_step(tx, collection.order_id, agent, column="cash_pickup_time")
        if known.cash_pickup_time is None:
            deliveries.change_payment(tx, collection.order_id, "settled")
        tx.audit(target=collection.order_id, after={"amount_cents": collection.amount_cents})
        answer = flow.complete(tx, respond(read_my_delivery(tx, order_id=collection.order_id)))
        crash_point("cash.recorded")
    crash_point("cash.committed")
    return answer


def _post(flow: Flow, collection: Collection, *, orders: Orders, cash: Cash) -> None:
    try:
        order = orders.read(flow.call, collection.order_id)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None
    crash_point("cash.order_read")
    if status_name(order) not in CASH_STATES:
        raise DeliveryStateInvalid(state=status_name(order), allowed=", ".join(CASH_STATES))
    with flow.transaction() as tx:
        take_over_order(tx, order)
    crash_point("cash.taken_over")
    try:
        cash.collect(
            flow.call,
            order=order,
            agent_user_id=flow.principal.require_user,
            amount_cents=collection.amount_cents,
            currency=collection.currency,
        )
    except RemoteRefusal as refusal:
        if refusal.reason == "PAYMENT_MISMATCH":
            raise PaymentMismatch(
                refusal.message,
                expected_cents=refusal.metadata.get("expected_cents", ""),
                received_cents=refusal.metadata.get("received_cents", ""),
            ) from None
        if refusal.reason == "PAYMENT_FINAL":
            raise PaymentFinal(state=refusal.metadata.get("state", "")) from None
        raise translate_refusal(refusal) from None
