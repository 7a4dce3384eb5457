"""Check a cart out (ARCHITECTURE section 6): decide the group, reserve stock in one call, write the orders.

A run that is interrupted is finished by the same key, by another key or by the resume job: the group id stands in the
attempt before anything is reserved, and ids of orders and lines are derived from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.commerce.cart.usecases.finish_attempt import finish_attempt
from services.commerce.cart.usecases.read_earlier_answer import read_earlier_answer
from services.commerce.checkout.usecases.begin_checkout import CheckoutTerms, begin_checkout
from services.commerce.checkout.usecases.convert_cart import ConvertedCart, convert_cart
from services.commerce.errors import CartNotActive
from services.commerce.outbound.ports import StockLine
from services.commerce.outbound.release_stock import release_stock

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.commerce.cart.domain.purchase import CheckoutRules
    from services.commerce.checkout.domain.order_plan import Checkout
    from services.commerce.outbound.ports import Catalog


def checkout(
    flow: Flow,
    terms: CheckoutTerms,
    *,
    catalog: Catalog,
    rules: CheckoutRules,
    respond: Callable[[ConvertedCart], Message],
    restore: Callable[[bytes], Message],
) -> Message:
    """Return the answer of the one conversion of this cart, whichever run made it.

    Raises what begin_checkout does, CheckoutRunning, and DependencyUnavailable when catalog is away: then the attempt
    waits for the next call.
    """
    with flow.transaction() as tx:
        begun = begin_checkout(tx, terms, rules=rules)
        if isinstance(begun, bytes):
            tx.audit(target=terms.cart_id)
            return flow.complete(tx, restore(begun))
    refused = catalog.reserve(
        flow.call,
        group_id=begun.checkout_group_id,
        lines=_stock_lines(begun),
        expires_in_s=rules.reservation_seconds,
    )
    try:
        return _convert(flow, begun, terms, refused, respond=respond, restore=restore)
    except CartNotActive:
        # The buyer asked for a new quote meanwhile.
        release_stock(flow, begun.checkout_group_id, catalog=catalog)
        raise


CheckoutFlow = Callable[..., "Message"]
# What the setting `checkout_flow` may name.
CHECKOUT_FLOWS: dict[str, CheckoutFlow] = {"single": checkout}


def _stock_lines(begun: Checkout) -> list[StockLine]:
    return [
        StockLine(begun.line_id(item.id), begun.order_id(item.vendor_store_id), item.product_id, item.quantity)
        for item in begun.items
    ]


def _convert(
    flow: Flow,
    begun: Checkout,
    terms: CheckoutTerms,
    refused: Mapping[uuid.UUID, str],
    *,
    respond: Callable[[ConvertedCart], Message],
    restore: Callable[[bytes], Message],
) -> Message:
    with flow.transaction() as tx:
        converted = convert_cart(tx, begun, terms=terms, refused=refused)
        if converted is None:
            tx.audit(target=terms.cart_id)
            return flow.complete(tx, restore(read_earlier_answer(tx, terms.cart_id)))
        answer = flow.complete(tx, respond(converted))
        assert flow.completed is not None, "complete keeps the answer"
        finish_attempt(tx, cart_id=begun.cart_id, group_id=begun.checkout_group_id, response=flow.completed)
        return answer
