"""Orders brought as far as a test needs them, and small views of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketmesh.commerce.v1 import order_pb2
from tests.commerce.market import Market
from tests.support.mesh_harness import Refused, as_dict

STAGES = (
    "created_pending", "accepted", "partially_accepted", "rejected", "hold", "payment_mismatch", "in_transit",
    "delivered", "closed", "canceled", "expired",
)  # fmt: skip


def refuse(call: Callable[..., Any], *arguments: Any, **options: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        call(*arguments, **options)
    return refused.value


def three_lines(market: Market) -> order_pb2.Order:
    return market.order(*((market.product(price_cents=cents), 1) for cents in (1000, 2000, 3000)))


def lines_of(order: order_pb2.Order) -> list[str]:
    return [line["status"] for line in as_dict(order)["items"]]


def last_event(market: Market, order_id: str) -> Any:
    return market.events(order_id)[-1]


def bring_to(market: Market, stage: str) -> order_pb2.Order:
    """Return an order with two lines that has come as far as `stage`."""
    order = market.order((market.product(), 1), (market.product(), 1))
    ended: dict[str, Callable[[], order_pb2.Order]] = {
        "created_pending": lambda: order,
        "canceled": lambda: market.cancel(order.order_id),
        "expired": lambda: market.expire(order.order_id),
        "rejected": lambda: market.decide(order.order_id, "reject"),
    }
    if stage in ended:
        return ended[stage]()
    market.decide(order.order_id, "accept")
    if stage == "partially_accepted":
        return market.decide_line(order.order_id, order.items[0].line_item_id, "reject")
    if stage == "accepted":
        return market.read(order.order_id)
    market.fulfill(order.order_id)
    if stage == "payment_mismatch":
        market.finance("PaymentFailed", order.order_id)
    for step, reached in (("pickup", "in_transit"), ("deliver", "delivered")):
        if STAGES.index(stage) >= STAGES.index(reached):
            market.advance(order.order_id, step)
    if stage == "closed":
        market.finance("CashCollected", order.order_id)
        market.finance("OrderPaid", order.order_id)
    return market.read(order.order_id)
