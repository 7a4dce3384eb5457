"""The money that a vendor was paid for an order came back from the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import orders, settlements
from services.commerce.orders.domain.order_state import PaymentStatus
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx


def return_payout(tx: Tx, *, order_id: uuid.UUID, returned_at: datetime) -> None:
    """Note that the vendor is owed for the order again; a closed order stays closed.

    A repeat changes nothing, nor does news that is older than the last payout. Raises NotFound.
    """
    lock_order(tx, order_id=order_id)
    if settlements.note_return(tx, order_id, returned_at=returned_at):
        orders.change(tx, order_id, payment_status=PaymentStatus.SETTLED.value)
