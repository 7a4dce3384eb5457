"""Quote a cart: check the buyer, ask catalog once, then price and store as one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import QUOTE_ITEMS, QUOTE_SECONDS, QUOTE_WARNINGS
from services.commerce.cart.usecases.save_quote import QuoteRequest, SavedQuote, save_quote
from services.commerce.errors import ForeignBuyerStore
from services.commerce.outbound.release_stock import release_stock
from services.commerce.store_gates.usecases.check_buyer import check_buyer

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.commerce.cart.domain.quote import Quote
    from services.commerce.outbound.ports import Catalog


@dataclass(frozen=True)
class QuoteRules:
    """Settings of a quote."""

    valid_for: timedelta
    unverified_may_quote: bool


def quote_cart(
    flow: Flow,
    request: QuoteRequest,
    *,
    catalog: Catalog,
    rules: QuoteRules,
    respond: Callable[[SavedQuote], Message],
) -> Message:
    """Return the stored quote's answer. Raises ForeignBuyerStore, BuyerNotVerified, DependencyUnavailable."""
    started = time.perf_counter()
    if request.buyer_store_id != flow.principal.require_store:
        raise ForeignBuyerStore
    with flow.read() as tx:
        check_buyer(tx, buyer_store_id=request.buyer_store_id, unverified=rules.unverified_may_quote)
    facts = catalog.quote_facts(
        flow.call, product_ids={intent.product_id for intent in request.intents}, promos=request.promos
    )
    with flow.transaction() as tx:
        saved = save_quote(tx, request, facts=facts, flow_id=flow.id, valid_for=rules.valid_for)
        answer = flow.complete(tx, respond(saved))
    _count(saved.quote, seconds=time.perf_counter() - started)
    if saved.abandoned_group is not None:
        release_stock(flow, saved.abandoned_group, catalog=catalog)
    return answer


def _count(quote: Quote, *, seconds: float) -> None:
    warnings = [warning for item in quote.items for warning in item.warnings]
    warnings += [warning for group in quote.groups for warning in group.warnings]
    QUOTE_SECONDS.observe(seconds)
    for item in quote.items:
        QUOTE_ITEMS.labels(item.status).inc()
    for warning in warnings:
        QUOTE_WARNINGS.labels(warning).inc()
    get_logger().info(
        "commerce.quoted", items=len(quote.items), vendors=len(quote.groups), warnings=sorted(set(warnings))
    )
