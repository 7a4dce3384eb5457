"""Keep an order's payment intent true to the order, as commerce's events tell it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from meshkit.errors import DependencyUnavailable
from meshkit.money import percent_of
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, next_status
from services.finance.payments.usecases.settle_nothing import settle_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marketmesh.commerce.events.v1.commerce_events_pb2 import OrderSnapshot
    from meshkit.db.tx import Tx

# An order in one of these states will never be paid for.
_DEAD_ORDERS = {"rejected", "canceled", "expired"}
_FROZEN = {IntentStatus.SETTLED, IntentStatus.PAID, IntentStatus.REJECTED}


def open_intents(tx: Tx, orders: Iterable[OrderSnapshot], *, fee_basis_points: int) -> None:
    """Create the intents of new orders; their fee policy is frozen here."""
    intents.add(tx, [_new_intent(order, fee_basis_points=fee_basis_points) for order in orders])


def _new_intent(order: OrderSnapshot, *, fee_basis_points: int) -> dict[str, Any]:
    dead = order.status in _DEAD_ORDERS
    first = IntentStatus.UNPAID if order.payment_method == "cash" else IntentStatus.PENDING
    return {
        "id": order.payment_intent_id,
        "order_id": order.order_id,
        "order_number": order.order_number,
        "order_version": order.version,
        "order_status": order.status,
        "buyer_store_id": order.buyer_store_id,
        "vendor_store_id": order.vendor_store_id,
        "vendor_store_name": order.vendor_store_name,
        "method": order.payment_method,
        "status": IntentStatus.REJECTED if dead else first,
        "amount_cents": order.total_cents,
        "fee_basis_points": fee_basis_points,
        "fee_cents": percent_of(order.total_cents, basis_points=fee_basis_points),
        "currency": order.currency,
    }


def follow_order(tx: Tx, order: OrderSnapshot) -> None:
    """Take over a newer version of an order: its amount while nothing was paid, and where it stands.

    Raises DependencyUnavailable when the order's creation has not arrived yet: the bus delivers again.
    """
    intent = intents.lock_by_order(tx, uuid.UUID(order.order_id))
    if intent is None:
        raise DependencyUnavailable("The order is not known yet.", dependency="commerce.order.v1")
    if order.version <= intent.order_version:
        return
    settle_nothing(tx, intents.change(tx, intent.id, **_changes(intent, order)))


def _changes(intent: Any, order: OrderSnapshot) -> dict[str, Any]:
    changes: dict[str, Any] = {"order_version": order.version, "order_status": order.status}
    if order.HasField("delivered_at"):
        changes["delivered_at"] = order.delivered_at.ToDatetime(tzinfo=intent.created_at.tzinfo)
    status = IntentStatus(intent.status)
    if status in _FROZEN:
        return changes
    if order.status in _DEAD_ORDERS:
        rejected = next_status(status, IntentAction.REJECT)
        return {**changes, "status": rejected or status}
    amount = order.total_cents
    fee = percent_of(amount, basis_points=intent.fee_basis_points)
    return {**changes, "amount_cents": amount, "fee_cents": fee}
