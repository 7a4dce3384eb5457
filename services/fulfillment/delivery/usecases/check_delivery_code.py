"""Check the code that the buyer told the agent at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import audit
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.proof import MAX_CODE_FAILURES, delivery_code, is_code
from services.fulfillment.errors import DeliveryCodeLocked, DeliveryCodeWrong

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def check_delivery_code(tx: Tx, *, order_id: uuid.UUID, code: str, key: bytes) -> None:
    """Do nothing for the right code; a wrong one is counted although it is refused.

    Raises DeliveryCodeLocked after too many, DeliveryCodeWrong.
    """
    delivery = deliveries.lock(tx, order_id)
    assert delivery is not None, "the agent has it"
    if delivery.code_failures >= MAX_CODE_FAILURES:
        raise DeliveryCodeLocked
    if is_code(code, delivery_code(key, order_id=order_id, issue=delivery.code_issue)):
        return
    deliveries.count_code_failure(tx, order_id)
    left = MAX_CODE_FAILURES - delivery.code_failures - 1
    audit.note(
        tx, action="delivery.code", target=order_id, outcome="DELIVERY_CODE_WRONG", after={"attempts_left": left}
    )
    raise DeliveryCodeWrong(attempts_left=str(left)).keeping_writes()
