"""First steps of a retry: whether the expired order may be bought again, and under which group its stock is reserved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound, Violation
from meshkit.ids import new_id
from services.commerce.cart.domain.quote import PromoCode, vendor_warning
from services.commerce.errors import PaymentMethodUnavailable, RetryRefused
from services.commerce.orders.data import orders, retries
from services.commerce.orders.domain.order_state import Action
from services.commerce.orders.domain.retry_plan import lines_to_retry
from services.commerce.orders.usecases.lock_order import lock_order, require
from services.commerce.store_gates.usecases.check_buyer import require_verified_buyer
from services.commerce.store_gates.usecases.read_store_gates import read_store_gates

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.commerce.checkout.usecases.begin_checkout import CheckoutRules
    from services.commerce.store_gates.domain.gate import Gate


@dataclass(frozen=True)
class LapsedOrder:
    """An expired order that may be bought again: the lines it lost, and who may sell and buy now."""

    order: Any
    lines: Sequence[Any]
    gates: Mapping[uuid.UUID, Gate]

    @property
    def promos(self) -> list[PromoCode]:
        """Return the code that the order had."""
        return [PromoCode(self.order.vendor_store_id, self.order.promo)] if self.order.promo else []


def read_lapsed(tx: Tx, *, order_id: uuid.UUID, rules: CheckoutRules) -> LapsedOrder | None:
    """Return the expired order of the calling buyer, or None when it was retried before.

    Raises NotFound, OrderStateInvalid, BuyerNotVerified, PaymentMethodUnavailable, RetryRefused.
    """
    expired = orders.find(tx, order_id)
    if expired is None or expired.buyer_store_id != tx.principal.require_store:
        raise NotFound
    known = retries.find(tx, order_id)
    if known is not None and known.response is not None:
        return None
    require(expired, Action.RETRY)
    gates = _check(tx, expired, rules)
    return LapsedOrder(expired, lines_to_retry(orders.lines(tx, order_id)), gates)


def begin_retry(tx: Tx, *, order_id: uuid.UUID, rules: CheckoutRules) -> uuid.UUID | bytes:
    """Lock the expired order and start or continue its retry; returns the group to reserve under.

    One retried before gives the earlier answer's bytes. Raises NotFound, OrderStateInvalid.
    """
    expired = lock_order(tx, order_id=order_id, buyer=tx.principal.require_store)
    require(expired, Action.RETRY)
    tx.audit(target=order_id)
    known = retries.find(tx, order_id)
    if known is not None and known.response is not None:
        return bytes(known.response)
    return retries.begin(tx, order_id=order_id, group_id=new_id(), stale=tx.now - rules.continue_for)


def _check(tx: Tx, expired: Any, rules: CheckoutRules) -> Mapping[uuid.UUID, Gate]:
    gates = read_store_gates(tx, [expired.buyer_store_id, expired.vendor_store_id])
    buyer = gates.get(expired.buyer_store_id)
    require_verified_buyer(buyer.kyc_status if buyer else None)
    assert buyer is not None, "an unknown store is not verified"
    warning = vendor_warning(gates.get(expired.vendor_store_id), buyer.state)
    if warning:
        raise RetryRefused(
            violations=(Violation("vendor_store_id", f"may not sell to you now: {warning}", warning.upper()),)
        )
    if expired.payment_method == "ach" and not rules.ach_enabled:
        raise PaymentMethodUnavailable
    return gates
