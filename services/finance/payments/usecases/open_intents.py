"""Open the payment intents of new orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.money import percent_of
from services.finance.ledger.domain.subject import SubjectKind
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import DEAD_ORDERS, IntentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marketmesh.commerce.events.v1.commerce_events_pb2 import OrderSnapshot
    from meshkit.db.tx import Tx


def open_intents(tx: Tx, orders: Iterable[OrderSnapshot], *, fee_basis_points: int) -> None:
    """Create the intents of new orders; their fee policy is frozen here."""
    intents.add(tx, [_new_intent(order, fee_basis_points=fee_basis_points) for order in orders])


def _new_intent(order: OrderSnapshot, *, fee_basis_points: int) -> dict[str, object]:
    dead = order.status in DEAD_ORDERS
    first = IntentStatus.UNPAID if order.payment_method == "cash" else IntentStatus.PENDING
    return {
        "id": order.payment_intent_id,
        "subject_kind": SubjectKind.ORDER,
        "subject_id": order.order_id,
        "subject_number": order.order_number,
        "subject_version": order.version,
        "subject_status": order.status,
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
