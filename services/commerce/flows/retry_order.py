"""Retry an expired order: decide the group, reserve all of its stock in one call, write the new order; or nothing.

As in a checkout, whatever dies in between is finished by the same key, another key or the resume job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meshkit.errors import Violation
from services.commerce.data import retries
from services.commerce.errors import RetryRefused
from services.commerce.flows.release_stock import release_stock
from services.commerce.outbound.ports import StockLine
from services.commerce.usecases.begin_retry import Retry, begin_retry
from services.commerce.usecases.write_retry import write_retry

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.commerce.outbound.ports import Catalog
    from services.commerce.usecases.begin_checkout import CheckoutRules


def retry_order(
    flow: Flow,
    order_id: uuid.UUID,
    *,
    catalog: Catalog,
    rules: CheckoutRules,
    respond: Callable[[Retry], Message],
    restore: Callable[[bytes], Message],
) -> Message:
    """Return the answer of the one retry of this order, whoever made it.

    Raises what begin_retry does, RetryRefused when not all of it can be had, RetryRunning, and DependencyUnavailable
    when catalog is away: then the retry waits for the next call.
    """
    with flow.transaction() as tx:
        tx.call.headers["x-http-status"] = "201"
        begun = begin_retry(tx, order_id=order_id, rules=rules)
        if isinstance(begun, bytes):
            return flow.complete(tx, restore(begun))
    refused = catalog.reserve(
        flow.call,
        group_id=begun.order.checkout_group_id,
        lines=_stock_lines(begun),
        expires_in_s=rules.reservation_seconds,
    )
    if refused:
        raise _give_up(flow, begun, refused, catalog=catalog)
    return _write(flow, begun, respond=respond, restore=restore)


def _stock_lines(begun: Retry) -> list[StockLine]:
    return [StockLine(line.id, line.order_id, line.product_id, line.qty) for line in begun.lines]


def _give_up(flow: Flow, begun: Retry, refused: Mapping[uuid.UUID, str], *, catalog: Catalog) -> RetryRefused:
    """Give back what was reserved; returns the refusal, which names the lines that could not be had."""
    group_id = begun.order.checkout_group_id
    with flow.transaction() as tx:
        retries.fail(tx, order_id=begun.expired_id, group_id=group_id)
    release_stock(flow, group_id, catalog=catalog)
    violations = tuple(
        Violation(f"items[{index}]", f"{line.qty} of product {line.product_id}: {reason}", reason.upper())
        for index, line in enumerate(begun.lines)
        if (reason := refused.get(line.id))
    )
    return RetryRefused(violations=violations)


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
