"""Quote a cart: check the buyer, ask catalog once, then price and store as one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from services.commerce.errors import ForeignBuyerStore
from services.commerce.flows.release_stock import release_stock
from services.commerce.usecases.check_buyer import check_buyer
from services.commerce.usecases.save_quote import CartWish, SavedQuote, save_quote

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.commerce.outbound.ports import Catalog


def quote_cart(
    flow: Flow,
    wish: CartWish,
    *,
    catalog: Catalog,
    valid_for: timedelta,
    respond: Callable[[SavedQuote], Message],
) -> Message:
    """Return the stored quote's answer. Raises ForeignBuyerStore, BuyerNotVerified, DependencyUnavailable."""
    if wish.buyer_store_id != flow.principal.require_store:
        raise ForeignBuyerStore
    with flow.read() as tx:
        check_buyer(tx, buyer_store_id=wish.buyer_store_id)
    facts = catalog.quote_facts(
        flow.call, product_ids={intent.product_id for intent in wish.intents}, promos=wish.promos
    )
    with flow.transaction() as tx:
        saved = save_quote(tx, wish, facts=facts, flow_id=flow.id, valid_for=valid_for)
        answer = flow.complete(tx, respond(saved))
    if saved.abandoned_group is not None:
        release_stock(flow, saved.abandoned_group, catalog=catalog)
    return answer
