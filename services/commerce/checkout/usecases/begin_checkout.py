"""First step of a checkout: whether the cart may be bought, and under which group its stock is reserved."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import cart_service_pb2 as messages
from meshkit.errors import NotFound, Violation
from services.commerce.cart.domain.quote import vendor_warning
from services.commerce.cart.usecases.begin_attempt import begin_attempt, is_attempt_running
from services.commerce.cart.usecases.lock_cart_to_buy import lock_cart_to_buy
from services.commerce.cart.usecases.read_earlier_answer import read_earlier_answer
from services.commerce.cart.usecases.read_items_to_buy import read_items_to_buy
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
from services.commerce.store_gates.usecases.check_buyer import require_verified_buyer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.delivery import Address, ShippingLine
    from services.commerce.cart.domain.purchase import CheckoutRules, ItemToBuy


@dataclass(frozen=True)
class CheckoutTerms:
    """What the buyer says at checkout."""

    cart_id: uuid.UUID
    # The quote that the buyer saw.
    quote_version: str
    payment_method: str
    shipping_address: Address
    billing_address: Address
    shipping_line: ShippingLine | None
    # None means the tip that was said with the quote.
    tip_cents: int | None
    # The buyer's words to every vendor.
    notes: str


def begin_checkout(tx: Tx, terms: CheckoutTerms, *, rules: CheckoutRules) -> Checkout | bytes:
    """Lock the cart and start or continue its attempt; a converted cart gives the earlier answer's bytes instead.

    Raises NotFound, QuoteChanged, CartNotActive, QuoteExpired, CartEmpty, BuyerIsVendor, BuyerNotVerified, MoqViolated,
    VendorUnavailable, PaymentMethodUnavailable.
    """
    buyer_store_id = tx.principal.require_store
    cart = lock_cart_to_buy(tx, cart_id=terms.cart_id, buyer_store_id=buyer_store_id)
    if cart is None:
        raise NotFound
    # Also of a converted cart: a buyer who saw another quote must not take that one for bought.
    if (cart.quote_version or "") != terms.quote_version:
        raise QuoteChanged(quote_version=cart.quote_version or "", total_cents=str(cart.total_cents))
    if cart.status == "converted":
        return read_earlier_answer(tx, terms.cart_id)
    if cart.status != "active":
        raise CartNotActive(state=cart.status)
    if tx.now > cart.valid_until and not is_attempt_running(tx, cart_id=terms.cart_id, continue_for=rules.continue_for):
        # A checkout begun in time is finished, even if the quote ran out while it was interrupted.
        raise QuoteExpired(valid_until=cart.valid_until.isoformat())
    items = read_items_to_buy(tx, cart_id=terms.cart_id)
    _check(items, buyer_store_id, terms, rules)
    require_verified_buyer(kyc_status=cart.kyc_status)
    assert cart.buyer_store_name is not None, "a verified store is known"
    assert cart.buyer_state is not None, "a verified store is known"
    _check_vendors(items, cart.buyer_state)
    group_id = begin_attempt(tx, cart_id=terms.cart_id, buyer_store_id=buyer_store_id, continue_for=rules.continue_for)
    return Checkout(
        cart_id=terms.cart_id,
        checkout_group_id=group_id,
        buyer_store_id=buyer_store_id,
        buyer_store_name=cart.buyer_store_name,
        currency=cart.currency,
        tip_cents=(cart.tip_cents or 0) if terms.tip_cents is None else terms.tip_cents,
        attribution_tokens=cart.attribution_tokens,
        items=items,
    )


def _check(items: Sequence[ItemToBuy], buyer_store_id: uuid.UUID, terms: CheckoutTerms, rules: CheckoutRules) -> None:
    if not items:
        raise CartEmpty
    if any(item.vendor_store_id == buyer_store_id for item in items):
        raise BuyerIsVendor
    _check_moq(items)
    if terms.payment_method == "ach" and not rules.ach_enabled:
        raise PaymentMethodUnavailable


def _check_vendors(items: Sequence[ItemToBuy], buyer_state: str) -> None:
    # Checked again here: a vendor may have lost its licence or subscription since the quote.
    warnings = {item.vendor_store_id: vendor_warning(item.vendor, buyer_state) for item in items}
    violations = tuple(
        Violation("cart_id", f"vendor {vendor} may not sell to you now: {warning}", warning.upper())
        for vendor, warning in warnings.items()
        if warning
    )
    if violations:
        raise VendorUnavailable(violations=violations)


def _check_moq(items: Sequence[ItemToBuy]) -> None:
    # Compared with the quote's own figures: what a vendor changes later counts from the next quote on.
    violations = tuple(
        Violation(
            f"items[{item.position}]", f"product_id {item.product_id}: requested {item.quantity}, moq {item.moq}", "MOQ"
        )
        for item in items
        if item.quantity < item.moq
    )
    if violations:
        few = messages.MoqViolations(
            violations=[
                messages.MoqViolation(product_id=str(item.product_id), requested=item.quantity, moq=item.moq)
                for item in items
                if item.quantity < item.moq
            ]
        )
        raise MoqViolated(violations=violations, details=(few,))
