"""What finance announces of an order's money, and fulfillment of who delivers it."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from marketmesh.fulfillment.events.v1 import fulfillment_events_pb2 as fulfillment
from meshkit.events.registry import Consumer
from services.commerce.orders.domain.assignment import Assignment
from services.commerce.orders.usecases.collect_cash import collect_cash
from services.commerce.orders.usecases.fail_payment import fail_payment, reopen_payment
from services.commerce.orders.usecases.pay_vendor import pay_vendor
from services.commerce.orders.usecases.refund_payment import refund_payment
from services.commerce.orders.usecases.return_payout import return_payout
from services.commerce.orders.usecases.update_assignments import update_assignments

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def consumers() -> tuple[Consumer, ...]:
    """Return the consumers of payments and of assignments."""
    payments = (
        Consumer("commerce", "finance.payment.v1")
        .on(finance.CashCollected, cash_collected)
        .on(finance.PaymentFailed, payment_failed)
        .on(finance.PaymentReopened, payment_reopened)
        .on(finance.OrderPaid, order_paid)
        .on(finance.PayoutReturned, payout_returned)
        .on(finance.PaymentRefunded, payment_refunded)
    )
    agents = Consumer("commerce", "fulfillment.assignment.v1").on_batch(fulfillment.AgentAssigned, agents_assigned)
    return payments, agents


def cash_collected(tx: Tx, event: finance.CashCollected) -> None:
    """Note that nothing is due any more."""
    collect_cash(tx, order_id=uuid.UUID(event.order_id))


def payment_failed(tx: Tx, event: finance.PaymentFailed) -> None:
    """Hold the order."""
    fail_payment(tx, order_id=uuid.UUID(event.order_id))


def payment_reopened(tx: Tx, event: finance.PaymentReopened) -> None:
    """Let the order go on."""
    reopen_payment(tx, order_id=uuid.UUID(event.order_id))


def order_paid(tx: Tx, event: finance.OrderPaid) -> None:
    """Close the order."""
    paid_at = event.vendor_paid_at.ToDatetime(tzinfo=UTC)
    pay_vendor(tx, order_id=uuid.UUID(event.order_id), paid_at=paid_at)


def payout_returned(tx: Tx, event: finance.PayoutReturned) -> None:
    """Note that the vendor is owed again."""
    # The first events did not say when.
    returned_at = event.returned_at.ToDatetime(tzinfo=UTC) if event.HasField("returned_at") else tx.now
    return_payout(tx, order_id=uuid.UUID(event.order_id), returned_at=returned_at)


def payment_refunded(tx: Tx, event: finance.PaymentRefunded) -> None:
    """Note what went back to the buyer."""
    refund_payment(
        tx,
        order_id=uuid.UUID(event.order_id),
        refunded_cents=event.refunded_cents,
        credited_cents=event.credited_cents,
    )


def agents_assigned(tx: Tx, events: list[fulfillment.AgentAssigned]) -> None:
    """Keep who delivers which orders."""
    update_assignments(tx, map(_assignment, events))


def _assignment(event: fulfillment.AgentAssigned) -> Assignment:
    return Assignment(
        order_id=uuid.UUID(event.order_id),
        agent_user_id=uuid.UUID(event.agent_user_id),
        reason=event.reason,
        assigned_at=event.assigned_at.ToDatetime(tzinfo=UTC),
        version=event.version,
    )
