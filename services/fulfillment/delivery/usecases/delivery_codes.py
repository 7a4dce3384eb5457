"""The buyer's one-time delivery code: read, checked, replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import audit
from meshkit.errors import NotFound
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.assignment import DISPATCHABLE_STATES, state_in_words
from services.fulfillment.delivery.domain.proof import MAX_CODE_FAILURES, delivery_code, is_code
from services.fulfillment.errors import DeliveryCodeLocked, DeliveryCodeWrong, DeliveryStateInvalid

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import DeliveryState

_ON_ITS_WAY = (*DISPATCHABLE_STATES, "in_transit")


def read_delivery_code(tx: Tx, *, order_id: uuid.UUID, key: bytes) -> str:
    """Return the code of an order of the calling buyer. Raises NotFound, DeliveryStateInvalid."""
    delivery = deliveries.find_of_buyer(tx, order_id, tx.principal.require_store)
    if delivery is None:
        raise NotFound
    _require_on_its_way(delivery)
    return delivery_code(key, order_id=order_id, issue=delivery.code_issue)


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


def reset_delivery_code(tx: Tx, *, order_id: uuid.UUID, reason: str) -> None:
    """Give the buyer another code, with all attempts. Raises NotFound, DeliveryStateInvalid."""
    delivery = deliveries.lock(tx, order_id)
    if delivery is None:
        raise NotFound
    _require_on_its_way(delivery)
    deliveries.issue_code(tx, order_id)
    tx.audit(
        target=order_id,
        before={"code_failures": delivery.code_failures},
        after={"code_failures": 0, "reason": reason},
    )


def _require_on_its_way(delivery: DeliveryState) -> None:
    # An order on hold for its money may have been delivered long since.
    if delivery.order_status not in _ON_ITS_WAY or delivery.shipping_status == "delivered":
        state = state_in_words(delivery.order_status, delivery.shipping_status)
        raise DeliveryStateInvalid(state=state, allowed=", ".join(_ON_ITS_WAY))
