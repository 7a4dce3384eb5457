"""What an expired order costs today, and whether the buyer pays that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.commerce.cart.domain.quote import MAX_QUANTITY, Intent, Quote, QuoteFacts, price_cart
from services.commerce.errors import RetryPriceChanged
from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder
from services.commerce.orders.domain.retry_plan import expired_total, plan_retry, refusal, shortages

if TYPE_CHECKING:
    import uuid

    from services.commerce.orders.usecases.read_expired_order import ExpiredOrder
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

    expired: ExpiredOrder
    quote: Quote

    def under(self, group_id: uuid.UUID) -> Retry:
        """Return the order that takes its place, in a checkout group; the same group gives the same ids."""
        order, lines = plan_retry(self.expired.order, self.expired.lines, self.quote, group_id=group_id)
        return Retry(self.expired.order.id, order, lines)


def price_retry(expired: ExpiredOrder, *, facts: CatalogFacts, accepted_cents: int | None) -> PricedRetry:
    """Price the order anew, as its quote has long expired.

    Raises RetryRefused for what cannot be had as it was, and RetryPriceChanged when it would cost more than
    `accepted_cents`, or without that more than it did.
    """
    order = expired.order
    # Stock counts as plenty here, the reservation decides: an interrupted run of this retry may have reserved it already.
    products = {found.product_id: replace(found, available_qty=MAX_QUANTITY) for found in facts.products.values()}
    quote = price_cart(
        [
            Intent(line.product_id, order.vendor_store_id, line.qty, position)
            for position, line in enumerate(expired.lines)
        ],
        expired.promos,
        QuoteFacts(expired.gates[order.buyer_store_id], expired.gates, products, facts.promos, previous_prices={}),
    )
    short = shortages(expired.lines, quote)
    if short:
        raise refusal([(line.id, line.qty, line.product_id) for line in expired.lines], short)
    before = expired_total(order, expired.lines)
    # Any group will do: what the order costs does not depend on it.
    planned, _ = plan_retry(order, expired.lines, quote, group_id=order.checkout_group_id)
    if planned.total_cents > (before if accepted_cents is None else accepted_cents):
        raise RetryPriceChanged(expired_total_cents=str(before), total_cents=str(planned.total_cents))
    return PricedRetry(expired, quote)
