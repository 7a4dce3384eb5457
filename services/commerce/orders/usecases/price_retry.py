"""Second step of a retry: what the expired order costs today, and whether the buyer pays that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshkit.errors import Violation
from services.commerce.cart.domain.quote import MAX_QUANTITY, Intent, Quote, QuoteFacts, price_cart
from services.commerce.checkout.domain.order_plan import PlannedLine, PlannedOrder
from services.commerce.errors import RetryPriceChanged, RetryRefused
from services.commerce.orders.domain.retry_plan import lapsed_total, plan_retry, shortages

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping

    from services.commerce.orders.usecases.begin_retry import LapsedOrder
    from services.commerce.outbound.ports import CatalogFacts


@dataclass(frozen=True)
class Retry:
    """A retry under way: the expired order, and what takes its place if all its stock can be had."""

    expired_id: uuid.UUID
    order: PlannedOrder
    lines: list[PlannedLine]


@dataclass(frozen=True)
class PricedRetry:
    """What an expired order costs today."""

    lapsed: LapsedOrder
    quote: Quote

    def under(self, group_id: uuid.UUID) -> Retry:
        """Return the order that takes its place in a checkout group; the same group gives the same ids."""
        order, lines = plan_retry(self.lapsed.order, self.lapsed.lines, self.quote, group_id=group_id)
        return Retry(self.lapsed.order.id, order, lines)


def price_retry(lapsed: LapsedOrder, facts: CatalogFacts, *, accepted_cents: int | None) -> PricedRetry:
    """Price the order anew: its quote is older than any may be.

    Raises RetryRefused for what cannot be had as it was, and RetryPriceChanged when it would cost more than
    `accepted_cents`, or without that more than it did.
    """
    order = lapsed.order
    # Whether there is stock the reservation decides: an interrupted run of this retry may hold it already.
    products = {found.product_id: replace(found, available_qty=MAX_QUANTITY) for found in facts.products.values()}
    quote = price_cart(
        [
            Intent(line.product_id, order.vendor_store_id, line.qty, position)
            for position, line in enumerate(lapsed.lines)
        ],
        lapsed.promos,
        QuoteFacts(lapsed.gates[order.buyer_store_id], lapsed.gates, products, facts.promos, previous_prices={}),
    )
    short = shortages(lapsed.lines, quote)
    if short:
        raise refusal([(line.id, line.qty, line.product_id) for line in lapsed.lines], short)
    before = lapsed_total(order, lapsed.lines)
    # What it costs does not hang on the group.
    planned, _ = plan_retry(order, lapsed.lines, quote, group_id=order.checkout_group_id)
    if planned.total_cents > (before if accepted_cents is None else accepted_cents):
        raise RetryPriceChanged(expired_total_cents=str(before), total_cents=str(planned.total_cents))
    return PricedRetry(lapsed, quote)


def refusal(lines: Iterable[tuple[uuid.UUID, int, uuid.UUID]], reasons: Mapping[uuid.UUID, str]) -> RetryRefused:
    """Return the refusal that names each line (id, quantity, product) with a reason."""
    return RetryRefused(
        violations=tuple(
            Violation(f"items[{index}]", f"{quantity} of product {product_id}: {reason}", reason.upper())
            for index, (line_id, quantity, product_id) in enumerate(lines)
            if (reason := reasons.get(line_id))
        )
    )
