"""Keep an order's payment intent in step with the order, as commerce announces it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit.errors import DependencyUnavailable
from meshkit.money import percent_of
from services.finance.ledger.domain.subject import order as subject_of
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import DEAD_ORDERS, IntentAction, IntentStatus, next_status
from services.finance.payments.usecases.settle_nothing import settle_nothing

if TYPE_CHECKING:
    from marketmesh.commerce.events.v1.commerce_events_pb2 import OrderSnapshot
    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent

# The amounts of these do not follow their order any more.
_FROZEN = {IntentStatus.SETTLED, IntentStatus.PAID, IntentStatus.REJECTED}


def follow_order(tx: Tx, order: OrderSnapshot) -> None:
    """Take over a newer version of an order: its amount while nothing was paid, and where it stands.

    Raises DependencyUnavailable when the order's creation has not arrived yet: the bus delivers again.
    """
    intent = intents.lock(tx, subject_of(uuid.UUID(order.order_id)))
    if intent is None:
        raise DependencyUnavailable("The order is not known yet.", dependency="commerce.order.v1")
    if order.version <= intent.subject_version:
        return
    settle_nothing(tx, intents.change(tx, intent.id, **_changes(intent, order)))


def _changes(intent: Intent, order: OrderSnapshot) -> dict[str, object]:
    changes: dict[str, object] = {"subject_version": order.version, "subject_status": order.status}
    if order.HasField("delivered_at"):
        changes["delivered_at"] = order.delivered_at.ToDatetime(tzinfo=intent.created_at.tzinfo)
    status = IntentStatus(intent.status)
    if status in _FROZEN:
        return changes
    if order.status in DEAD_ORDERS:
        rejected = next_status(status, IntentAction.REJECT)
        return {**changes, "status": rejected or status}
    amount = order.total_cents
    fee = percent_of(amount, basis_points=intent.fee_basis_points)
    return {**changes, "amount_cents": amount, "fee_cents": fee}
