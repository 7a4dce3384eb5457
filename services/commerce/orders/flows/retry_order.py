"""Retry an expired order: price it anew, reserve all of its stock in one call, write the new order. It is all or nothing.

As in a checkout, a run that is interrupted is finished by the same key, another key or the resume job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.commerce.errors import RetryRunning
from services.commerce.orders.data import retries
from services.commerce.orders.domain.retry_plan import refusal
from services.commerce.orders.usecases.begin_retry import begin_retry
from services.commerce.orders.usecases.price_retry import Retry, price_retry
from services.commerce.orders.usecases.read_expired_order import read_expired_order
from services.commerce.orders.usecases.write_retry import write_retry
from services.commerce.outbound.ports import StockLine
from services.commerce.outbound.release_stock import release_stock

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.commerce.cart.domain.purchase import CheckoutRules
    from services.commerce.errors import RetryRefused
    from services.commerce.outbound.ports import Catalog


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
    """Return the answer of the one retry of this order, whichever run made it.

    Raises what read_expired_order, begin_retry and price_retry do, RetryRefused when not all of it can be had, RetryRunning, and
    DependencyUnavailable when catalog is away: then the retry waits for the next call.
    """
    with flow.read() as tx:
        expired = read_expired_order(tx, order_id=order_id, rules=rules)
    priced = None
    if expired is not None:
        product_ids = [line.product_id for line in expired.lines]
        facts = catalog.quote_facts(flow.call, product_ids=product_ids, promos=expired.promos)
        priced = price_retry(expired, facts=facts, accepted_cents=accepted_cents)
    with flow.transaction() as tx:
        begun = begin_retry(tx, order_id=order_id, rules=rules)
        if isinstance(begun, bytes):
            return flow.complete(tx, restore(begun))
    assert priced is not None, "an answer once given stays"
    retry = priced.under(begun)
    refused = _reserve(flow, retry, catalog=catalog, rules=rules)
    if refused:
        raise _give_up(flow, retry, refused, catalog=catalog)
    return _write(flow, retry, respond=respond, restore=restore)


def _reserve(flow: Flow, retry: Retry, *, catalog: Catalog, rules: CheckoutRules) -> dict[uuid.UUID, str]:
    return catalog.reserve(
        flow.call,
        group_id=retry.order.checkout_group_id,
        lines=[StockLine(line.id, line.order_id, line.product_id, line.qty) for line in retry.lines],
        expires_in_s=rules.reservation_seconds,
    )


def _give_up(flow: Flow, retry: Retry, refused: Mapping[uuid.UUID, str], *, catalog: Catalog) -> RetryRefused:
    """Give back what was reserved; returns the refusal, which names the lines that could not be had."""
    group_id = retry.order.checkout_group_id
    with flow.transaction() as tx:
        retries.fail(tx, order_id=retry.expired_id, group_id=group_id)
    release_stock(flow, group_id, catalog=catalog)
    return refusal([(line.id, line.qty, line.product_id) for line in retry.lines], refused)


def _write(
    flow: Flow, begun: Retry, *, respond: Callable[[Retry], Message], restore: Callable[[bytes], Message]
) -> Message:
    with flow.transaction() as tx:
        earlier = write_retry(tx, begun)
        if earlier is not None:
            return flow.complete(tx, restore(earlier))
        answer = flow.complete(tx, respond(begun))
        assert flow.completed is not None, "complete keeps the answer"
        group_id = begun.order.checkout_group_id
        if not retries.convert(tx, order_id=begun.expired_id, group_id=group_id, response=flow.completed):
            # Catalog asked about the group a moment ago and was told that it will not be bought: nothing of this run may stay.
            raise RetryRunning
        return answer
