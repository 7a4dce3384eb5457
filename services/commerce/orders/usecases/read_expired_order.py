"""Whether an expired order may be bought again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound, Violation
from services.commerce.cart.domain.quote import PromoCode, vendor_warning
from services.commerce.errors import PaymentMethodUnavailable, RetryRefused
from services.commerce.orders.data import orders, retries
from services.commerce.orders.domain.moves import require_move
from services.commerce.orders.domain.order_state import Action
from services.commerce.orders.domain.retry_plan import lines_to_retry
from services.commerce.store_gates.usecases.check_buyer import require_verified_buyer
from services.commerce.store_gates.usecases.read_store_gates import read_store_gates

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.purchase import CheckoutRules
    from services.commerce.orders.domain.order import Line, Order
    from services.commerce.store_gates.domain.gate import Gate


@dataclass(frozen=True)
class ExpiredOrder:
    """An expired order that may be bought again: the lines that it lost, and who may sell and buy now."""

    order: Order
    lines: Sequence[Line]
    gates: Mapping[uuid.UUID, Gate]

    @property
    def promos(self) -> list[PromoCode]:
        """Return the code that the order had."""
        return [PromoCode(self.order.vendor_store_id, self.order.promo)] if self.order.promo else []


def read_expired_order(tx: Tx, *, order_id: uuid.UUID, rules: CheckoutRules) -> ExpiredOrder | None:
    """Return the expired order of the calling buyer, or None when it was retried before.

    Raises NotFound, OrderStateInvalid, BuyerNotVerified, PaymentMethodUnavailable, RetryRefused.
    """
    expired = orders.find(tx, order_id)
    if expired is None or expired.buyer_store_id != tx.principal.require_store:
        raise NotFound
    known = retries.find(tx, order_id)
    if known is not None and known.response is not None:
        return None
    require_move(expired, Action.RETRY)
    gates = _check(tx, expired, rules)
    return ExpiredOrder(expired, lines_to_retry(orders.lines(tx, order_id)), gates)


def _check(tx: Tx, expired: Order, rules: CheckoutRules) -> Mapping[uuid.UUID, Gate]:
    gates = read_store_gates(tx, [expired.buyer_store_id, expired.vendor_store_id])
    buyer = gates.get(expired.buyer_store_id)
    require_verified_buyer(kyc_status=buyer.kyc_status if buyer else None)
    assert buyer is not None, "an unknown store is not verified"
    warning = vendor_warning(gates.get(expired.vendor_store_id), buyer.state)
    if warning:
        raise RetryRefused(
            violations=(Violation("vendor_store_id", f"may not sell to you now: {warning}", warning.upper()),)
        )
    if expired.payment_method == "ach" and not rules.ach_enabled:
        raise PaymentMethodUnavailable
    return gates
