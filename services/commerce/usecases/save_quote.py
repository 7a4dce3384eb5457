"""Price a cart and put it in place of the buyer's active one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshkit.ids import derived_id
from services.commerce.data import attempts, carts, store_gates
from services.commerce.domain.quote import CURRENCY, Intent, PromoCode, Quote, QuoteFacts, price_cart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.commerce.outbound.ports import CatalogFacts


@dataclass(frozen=True)
class CartWish:
    """What a buyer asks for: merged intents, promo codes in the order given, tokens to keep."""

    buyer_store_id: uuid.UUID
    intents: Sequence[Intent]
    promos: Sequence[PromoCode]
    tokens: list[str]


@dataclass(frozen=True)
class SavedQuote:
    """The stored cart; `items` have their ids in `item_ids`. `abandoned_group` is a reservation nobody will buy."""

    cart: Any
    quote: Quote
    item_ids: list[uuid.UUID]
    abandoned_group: uuid.UUID | None


def save_quote(tx: Tx, wish: CartWish, *, facts: CatalogFacts, flow_id: uuid.UUID, valid_for: timedelta) -> SavedQuote:
    """Replace header, items and groups of the active cart as one; no stock is touched.

    A cart whose checkout was begun is left as it is and loses its place to a new one, so that whoever finishes that
    checkout never buys what was quoted later. Raises ValidationError for more money than can be counted.
    """
    buyer = wish.buyer_store_id
    store_gates.lock(tx, buyer)
    cart_id, abandoned_group = _place(tx, buyer, flow_id)
    quote = _price(tx, wish, facts)
    if abandoned_group is not None:
        cart_id = _replace(tx, cart_id, flow_id)
    item_ids = [derived_id(flow_id, item.product_id, item.vendor_store_id) for item in quote.items]
    cart = carts.save(
        tx,
        cart_id=cart_id,
        buyer_store_id=buyer,
        currency=CURRENCY,
        valid_until=tx.now + valid_for,
        quote=quote,
        tokens=wish.tokens,
        item_ids=item_ids,
    )
    return SavedQuote(cart, quote, item_ids, abandoned_group)


def _place(tx: Tx, buyer: uuid.UUID, flow_id: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID | None]:
    active = carts.lock_active(tx, buyer)
    if active is None:
        return derived_id(flow_id, "cart"), None
    return active, attempts.fail(tx, active)


def _replace(tx: Tx, cart_id: uuid.UUID, flow_id: uuid.UUID) -> uuid.UUID:
    carts.supersede(tx, cart_id)
    return derived_id(flow_id, "cart")


def _price(tx: Tx, wish: CartWish, facts: CatalogFacts) -> Quote:
    owners = {product.vendor_store_id for product in facts.products.values()}
    asked = {intent.vendor_store_id for intent in wish.intents}
    gates = store_gates.find(tx, {wish.buyer_store_id, *owners, *asked})
    return price_cart(
        wish.intents,
        wish.promos,
        QuoteFacts(
            buyer=gates[wish.buyer_store_id],
            gates=gates,
            products=facts.products,
            promos=facts.promos,
            previous_prices=carts.active_prices(tx, wish.buyer_store_id),
        ),
    )
