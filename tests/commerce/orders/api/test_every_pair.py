"""Every action on an order in every state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketmesh.commerce.v1 import order_pb2
from tests.commerce.market import Market
from tests.commerce.stages import STAGES, bring_to, refuse
from tests.support.mesh_harness import as_dict

POSSIBLE = {
    "accept": {"created_pending"},
    "reject": {"created_pending"},
    "reject line": {"created_pending", "accepted", "partially_accepted", "hold", "payment_mismatch"},
    "fulfill": {"accepted", "partially_accepted", "hold"},
    "cancel": {"created_pending", "accepted", "partially_accepted", "hold", "payment_mismatch"},
    "nudge": {"created_pending"},
    "retry": {"expired"},
    # A step that was taken stands, wherever the order is by now.
    "pickup": {"hold", "in_transit", "delivered", "closed"},
    "deliver": {"in_transit", "delivered", "closed"},
}


def actions_on(market: Market, order: order_pb2.Order) -> dict[str, Callable[[], Any]]:
    alive = next((line for line in as_dict(order)["items"] if line["status"] != "rejected"), None)
    line_id = alive["line_item_id"] if alive else order.items[0].line_item_id
    return {
        "accept": lambda: market.decide(order.order_id, "accept"),
        "reject": lambda: market.decide(order.order_id, "reject"),
        "reject line": lambda: market.decide_line(order.order_id, line_id, "reject"),
        "fulfill": lambda: market.fulfill(order.order_id),
        "cancel": lambda: market.cancel(order.order_id),
        "nudge": lambda: (market.nudge(order.order_id), market.read(order.order_id))[1],
        "retry": lambda: (market.retry(order.order_id), market.read(order.order_id))[1],
        "pickup": lambda: market.advance(order.order_id, "pickup"),
        "deliver": lambda: market.advance(order.order_id, "deliver"),
    }


class TestEveryPair:
    @pytest.mark.parametrize("stage", STAGES)
    def test_refuses_what_the_table_does_not_allow_and_changes_nothing(self, market: Market, stage: str) -> None:
        order = bring_to(market, stage)
        before, count = market.read(order.order_id), len(market.events(order.order_id))

        for name, action in actions_on(market, before).items():
            if stage in POSSIBLE[name]:
                continue
            refused = refuse(action)
            assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "ORDER_STATE_INVALID"), name
            assert refused.headers["x-http-status"] == "409"
            assert refused.metadata["state"].startswith(as_dict(before)["status"])
            assert refused.metadata["allowed"]

        assert market.read(order.order_id) == before
        assert len(market.events(order.order_id)) == count

    @pytest.mark.parametrize(
        ("stage", "name"), [(stage, name) for name, stages in POSSIBLE.items() for stage in sorted(stages)]
    )
    def test_allows_what_the_table_allows(self, market: Market, stage: str, name: str) -> None:
        order = bring_to(market, stage)

        assert actions_on(market, order)[name]().version >= order.version
