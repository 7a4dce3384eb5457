"""An agent hands cash in at a station and says how much of each order it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.ids import new_id
from services.finance.cash.data import cash, custodies
from services.finance.cash.domain.cash import Declared
from services.finance.errors import CashAlreadyDeclared
from services.finance.payments.domain.intent import due_cents
from services.finance.payments.usecases.lock_payment import lock_payments_of_orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.finance.cash.data.custodies import CashCustody
    from services.finance.payments.domain.intent import Intent


@dataclass(frozen=True)
class Declaration:
    """What the calling agent says it hands in of each order."""

    station_id: uuid.UUID
    currency: str
    items: Sequence[tuple[uuid.UUID, int]]


def declare_hand_in(tx: Tx, declaration: Declaration) -> uuid.UUID:
    """Record the hand-in; returns its id. Nothing is posted before somebody else has counted.

    Raises ValidationError naming the field: no station, an order twice, cash that the caller does not carry (a foreign
    order is as missing as one that does not exist), another currency; and CashAlreadyDeclared.
    """
    if cash.find_station(tx, declaration.station_id) is None:
        raise ValidationError.of("station_id", "is not a cash station")
    order_ids = [order_id for order_id, _ in declaration.items]
    locked = {intent.subject_id: intent for intent in lock_payments_of_orders(tx, order_ids=order_ids)}
    taken = custodies.of_many(tx, [intent.id for intent in locked.values()])
    declared = []
    for number, (order_id, declared_cents) in enumerate(declaration.items):
        if order_id in order_ids[:number]:
            raise ValidationError.of(f"items[{number}].order_id", "is there already")
        intent = _held(tx, locked.get(order_id), taken, number=number, currency=declaration.currency)
        declared.append(Declared(order_id, intent.subject_number, due_cents(intent), declared_cents))
    hand_in_id = new_id()
    cash.declare(
        tx,
        hand_in_id=hand_in_id,
        station_id=declaration.station_id,
        currency=declaration.currency,
        declarations=declared,
    )
    custodies.set_hand_in(tx, list(taken), hand_in_id=hand_in_id)
    tx.audit(
        target=hand_in_id,
        after={
            "station_id": str(declaration.station_id),
            "currency": declaration.currency,
            "declared_cents": {str(each.order_id): each.declared_cents for each in declared},
        },
    )
    return hand_in_id


def _held(
    tx: Tx, intent: Intent | None, taken: Mapping[uuid.UUID, CashCustody], *, number: int, currency: str
) -> Intent:
    custody = taken.get(intent.id) if intent else None
    if intent is None or custody is None or custody.collected_by_user_id != tx.principal.require_user:
        raise ValidationError.of(f"items[{number}].order_id", "is no order whose cash you carry")
    if custody.hand_in_id is not None:
        raise CashAlreadyDeclared(order_id=str(intent.subject_id), hand_in_id=str(custody.hand_in_id))
    if intent.currency != currency:
        raise ValidationError.of("currency", f"must be that of items[{number}], {intent.currency}")
    return intent
