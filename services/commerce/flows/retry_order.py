"""Retry an expired order: price it anew, reserve all of its stock in one call, write the new order; or nothing.

As in a checkout, whatever dies in between is finished by the same key, another key or the resume job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.commerce.data import retries
from services.commerce.errors import RetryPriceChanged, RetryRefused
from services.commerce.flows.release_stock import release_stock
from services.commerce.outbound.ports import StockLine
from services.commerce.usecases.begin_retry import LapsedOrder, begin_retry
from services.commerce.usecases.price_retry import Retry, price_retry, refusal
from services.commerce.usecases.write_retry import write_retry

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.commerce.outbound.ports import Catalog
    from services.commerce.usecases.begin_checkout import CheckoutRules


def retry_order(
    flow: Flow,
    order_id: uuid.UUID,
    *,
    accepted_cents: int | None,
    catalog: Catalog,
    rules: CheckoutRules,
    respond: Callable[[Retry], Message],
    restore: Callable[[bytes], Message],
) -> Message:
    """Return the answer of the one retry of this order, whoever made it.

    Raises what begin_retry and price_retry do, RetryRefused when not all of it can be had, RetryRunning, and
    DependencyUnavailable when catalog is away: then the retry waits for the next call.
    """
    with flow.transaction() as tx:
        tx.call.headers["x-http-status"] = "201"
        begun = begin_retry(tx, order_id=order_id, rules=rules)
        if isinstance(begun, bytes):
            return flow.complete(tx, restore(begun))
    facts = catalog.quote_facts(flow.call, product_ids=[line.product_id for line in begun.lines], promos=begun.promos)
    try:
        retry = price_retry(begun, facts, accepted_cents=accepted_cents)
        _reserve(flow, retry, catalog=catalog, rules=rules)
    except (RetryRefused, RetryPriceChanged):
        _give_up(flow, begun, catalog=catalog)
        raise
    return _write(flow, retry, respond=respond, restore=restore)


def _reserve(flow: Flow, retry: Retry, *, catalog: Catalog, rules: CheckoutRules) -> None:
    refused = catalog.reserve(
        flow.call,
        group_id=retry.order.checkout_group_id,
        lines=[StockLine(line.id, line.order_id, line.product_id, line.qty) for line in retry.lines],
        expires_in_s=rules.reservation_seconds,
    )
    if refused:
        raise refusal([(line.id, line.qty, line.product_id) for line in retry.lines], refused)


def _give_up(flow: Flow, begun: LapsedOrder, *, catalog: Catalog) -> None:
    """Give back what this run or an earlier one reserved; the next retry gets a group of its own."""
    with flow.transaction() as tx:
        retries.fail(tx, order_id=begun.order.id, group_id=begun.group_id)
    release_stock(flow, begun.group_id, catalog=catalog)


def _write(
    flow: Flow, begun: Retry, *, respond: Callable[[Retry], Message], restore: Callable[[bytes], Message]
) -> Message:
    with flow.transaction() as tx:
        earlier = write_retry(tx, begun)
        if earlier is not None:
            return flow.complete(tx, restore(earlier))
        answer = flow.complete(tx, respond(begun))
        assert flow.completed is not None, "complete keeps the answer"
        retries.convert(tx, order_id=begun.expired_id, group_id=begun.order.checkout_group_id, response=flow.completed)
        return answer
