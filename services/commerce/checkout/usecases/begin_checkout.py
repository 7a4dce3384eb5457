"""First step of a checkout: whether the cart may be bought, and under which group its stock is reserved."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from marketmesh.commerce.v1 import cart_service_pb2 as messages
from meshkit.errors import NotFound, Violation
from meshkit.ids import new_id
from services.commerce.cart.domain.quote import vendor_warning
from services.commerce.cart.usecases.buy_cart import lock_for_checkout, quoted_lines
from services.commerce.checkout.data import attempts
from services.commerce.checkout.domain.order_plan import Checkout
from services.commerce.errors import (
    BuyerIsVendor,
    CartEmpty,
    CartNotActive,
    MoqViolated,
    PaymentMethodUnavailable,
    QuoteChanged,
    QuoteExpired,
    VendorUnavailable,
)
from services.commerce.store_gates.domain.gate import Gate
from services.commerce.store_gates.usecases.check_buyer import require_verified_buyer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class CheckoutRules:
    """Settings of a checkout. An attempt older than `continue_for` may have lost its stock and starts over."""

    reservation_seconds: int
    ach_enabled: bool

    @property
    def continue_for(self) -> timedelta:
        """Return how long an attempt may be continued: well inside the life of its reservations."""
        return timedelta(seconds=self.reservation_seconds * 2 // 3)


@dataclass(frozen=True)
class CheckoutTerms:
    """What the buyer says at checkout. `shipping_line` has code, title and price_cents."""

    cart_id: uuid.UUID
    # The quote that the buyer saw.
    quote_version: str
    payment_method: str
    shipping_address: dict[str, Any]
    billing_address: dict[str, Any]
    shipping_line: dict[str, Any] | None
    # The quote's when it is None.
    tip_cents: int | None
    # The buyer's, for every vendor of it.
    notes: str


def begin_checkout(tx: Tx, terms: CheckoutTerms, *, rules: CheckoutRules) -> Checkout | bytes:
    """Lock the cart and start or continue its attempt; a converted cart gives the earlier answer's bytes instead.

    Raises NotFound, QuoteChanged, CartNotActive, QuoteExpired, CartEmpty, BuyerIsVendor, BuyerNotVerified, MoqViolated,
    VendorUnavailable, PaymentMethodUnavailable.
    """
    buyer_store_id = tx.principal.require_store
    cart = lock_for_checkout(tx, cart_id=terms.cart_id, buyer_store_id=buyer_store_id)
    if cart is None:
        raise NotFound
    # Also for a converted cart: who saw another quote must not believe to have bought that one.
    if (cart.quote_version or "") != terms.quote_version:
        raise QuoteChanged(quote_version=cart.quote_version or "", total_cents=str(cart.total_cents))
    if cart.status == "converted":
        return earlier_answer(tx, terms.cart_id)
    if cart.status != "active":
        raise CartNotActive(state=cart.status)
    stale = tx.now - rules.continue_for
    if tx.now > cart.valid_until and not _is_running(tx, terms.cart_id, stale):
        raise QuoteExpired(valid_until=cart.valid_until.isoformat())
    snapshot = quoted_lines(tx, cart_id=terms.cart_id)
    _check(snapshot, buyer_store_id, terms, rules)
    require_verified_buyer(cart.kyc_status)
    _check_vendors(snapshot, cart.buyer_state)
    group_id = attempts.begin(tx, cart_id=terms.cart_id, buyer_store_id=buyer_store_id, group_id=new_id(), stale=stale)
    return Checkout(
        cart_id=terms.cart_id,
        checkout_group_id=group_id,
        buyer_store_id=buyer_store_id,
        buyer_store_name=cart.buyer_store_name,
        currency=cart.currency,
        tip_cents=(cart.tip_cents or 0) if terms.tip_cents is None else terms.tip_cents,
        attribution_tokens=cart.attribution_tokens,
        snapshot=snapshot,
    )


def earlier_answer(tx: Tx, cart_id: uuid.UUID) -> bytes:
    """Return the answer that a converted cart was given. Raises CartNotActive when the cart is not converted."""
    attempt = attempts.find(tx, cart_id)
    if attempt is None or attempt.response is None:
        raise CartNotActive(state="superseded")
    return bytes(attempt.response)


def _is_running(tx: Tx, cart_id: uuid.UUID, stale: Any) -> bool:
    # A checkout begun in time is finished, even if the quote ran out while it was interrupted.
    attempt = attempts.find(tx, cart_id)
    return attempt is not None and attempt.state == "reserving" and attempt.started_at >= stale


def _check(snapshot: Sequence[Any], buyer_store_id: uuid.UUID, terms: CheckoutTerms, rules: CheckoutRules) -> None:
    if not snapshot:
        raise CartEmpty
    if any(item.vendor_store_id == buyer_store_id for item in snapshot):
        raise BuyerIsVendor
    _check_moq(snapshot)
    if terms.payment_method == "ach" and not rules.ach_enabled:
        raise PaymentMethodUnavailable


def _check_vendors(snapshot: Sequence[Any], buyer_state: str) -> None:
    # At the moment of buying: a vendor may have lost licence or subscription since the quote.
    warnings = {item.vendor_store_id: _vendor_warning(item, buyer_state) for item in snapshot}
    violations = tuple(
        Violation("cart_id", f"vendor {vendor} may not sell to you now: {warning}", warning.upper())
        for vendor, warning in warnings.items()
        if warning
    )
    if violations:
        raise VendorUnavailable(violations=violations)


def _vendor_warning(item: Any, buyer_state: str) -> str:
    if item.vendor_type is None:
        return vendor_warning(None, buyer_state)
    gate = Gate(
        store_id=item.vendor_store_id,
        type=item.vendor_type,
        name=item.vendor_store_name,
        state=item.vendor_state,
        kyc_status=item.vendor_kyc_status,
        subscription_active=item.vendor_subscription_active,
    )
    return vendor_warning(gate, buyer_state)


def _check_moq(snapshot: Sequence[Any]) -> None:
    # By the quote's own figures: what a vendor changes later counts from the next quote on.
    violations = tuple(
        Violation(
            f"items[{item.position}]", f"product_id {item.product_id}: requested {item.quantity}, moq {item.moq}", "MOQ"
        )
        for item in snapshot
        if item.quantity < item.moq
    )
    if violations:
        few = messages.MoqViolations(
            violations=[
                messages.MoqViolation(product_id=str(item.product_id), requested=item.quantity, moq=item.moq)
                for item in snapshot
                if item.quantity < item.moq
            ]
        )
        raise MoqViolated(violations=violations, details=(few,))
