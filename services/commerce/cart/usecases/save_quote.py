"""Price a cart and put it in place of the buyer's active one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.commerce.cart.data import attempts, carts
from services.commerce.cart.domain.quote import CURRENCY, Intent, PromoCode, Quote, QuoteFacts, price_cart
from services.commerce.store_gates.usecases.lock_buyer import lock_buyer
from services.commerce.store_gates.usecases.read_store_gates import read_store_gates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.commerce.cart.data.carts import Cart
    from services.commerce.cart.domain.delivery import QuotedDelivery
    from services.commerce.outbound.ports import CatalogFacts


@dataclass(frozen=True)
class QuoteRequest:
    """What a buyer asks a price for: merged intents, promo codes in the order given, attribution tokens to keep.

    What `delivery` leaves open stays as the cart has it.
    """

    buyer_store_id: uuid.UUID
    intents: Sequence[Intent]
    promos: Sequence[PromoCode]
    tokens: list[str]
    delivery: QuotedDelivery


@dataclass(frozen=True)
class SavedQuote:
    """The stored cart; `item_ids` are those of the quote's items. `abandoned_group` has reserved stock that will not be bought."""

    cart: Cart
    quote: Quote
    item_ids: list[uuid.UUID]
    abandoned_group: uuid.UUID | None


def save_quote(
    tx: Tx, request: QuoteRequest, *, facts: CatalogFacts, flow_id: uuid.UUID, valid_for: timedelta
) -> SavedQuote:
    """Replace header, items and groups of the active cart as one; no stock is touched.

    A cart whose checkout was begun is left as it is and loses its place to a new one, so that a run that finishes that
    checkout never buys what was quoted later. Raises ValidationError for more money than can be counted.
    """
    buyer = request.buyer_store_id
    lock_buyer(tx, store_id=buyer)
    active = carts.lock_active(tx, buyer)
    abandoned_group = attempts.fail(tx, active.id) if active else None
    quote = _price(tx, request, facts)
    cart_id = active.id if active else derived_id(flow_id, "cart")
    if abandoned_group is not None:
        carts.supersede(tx, cart_id)
        cart_id = derived_id(flow_id, "cart")
    item_ids = [derived_id(flow_id, item.product_id, item.vendor_store_id) for item in quote.items]
    cart = carts.save(
        tx,
        cart_id=cart_id,
        buyer_store_id=buyer,
        currency=CURRENCY,
        valid_until=tx.now + valid_for,
        quote=quote,
        tokens=request.tokens,
        delivery=request.delivery.completed_by(active.delivery) if active else request.delivery,
        item_ids=item_ids,
    )
    return SavedQuote(cart, quote, item_ids, abandoned_group)


def _price(tx: Tx, request: QuoteRequest, facts: CatalogFacts) -> Quote:
    owners = {product.vendor_store_id for product in facts.products.values()}
    asked = {intent.vendor_store_id for intent in request.intents}
    gates = read_store_gates(tx, {request.buyer_store_id, *owners, *asked})
    return price_cart(
        request.intents,
        request.promos,
        QuoteFacts(
            buyer=gates[request.buyer_store_id],
            gates=gates,
            products=facts.products,
            promos=facts.promos,
            previous_prices=carts.active_prices(tx, request.buyer_store_id),
        ),
    )
