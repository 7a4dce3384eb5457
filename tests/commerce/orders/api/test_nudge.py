"""The buyer reminds the vendor: once a day, while there is something to decide."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from marketmesh.commerce.v1 import order_service_pb2
from tests.commerce.market import Market
from tests.commerce.stages import refuse
from tests.support.mesh_harness import Refused


def nudges(market: Market, order_id: str) -> list[events.OrderNudged]:
    return [event for event in market.events(order_id) if isinstance(event, events.OrderNudged)]


class TestNudgeOrder:
    def test_tells_the_vendor_and_says_when_it_is_possible_again(self, market: Market) -> None:
        order = market.order()
        request = order_service_pb2.NudgeOrderRequest(order_id=order.order_id)

        answer, headers = market.mesh.call(
            market.orders.NudgeOrder, request, token=market.buyer_token, key=uuid.uuid4().hex
        )

        assert headers["x-http-status"] == "202"
        now = market.mesh.clock.now().replace(tzinfo=None)
        assert answer.possible_again_at.ToDatetime() == now + timedelta(hours=24)
        (event,) = nudges(market, order.order_id)
        assert (event.order.vendor_store_id, event.nudged_at.ToDatetime()) == (market.vendor, now)
        assert market.read(order.order_id) == order

    def test_is_possible_once_in_24_hours(self, market: Market) -> None:
        order = market.order()
        first = market.nudge(order.order_id)
        market.mesh.clock.advance(timedelta(hours=23, minutes=59, seconds=59))

        refused = refuse(market.nudge, order.order_id)
        market.mesh.clock.advance(timedelta(seconds=1))
        market.nudge(order.order_id)

        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "NUDGED_ALREADY")
        assert refused.headers["retry-after"] == "1"
        possible_at = datetime.fromisoformat(refused.metadata["possible_at"]).replace(tzinfo=None)
        assert possible_at == first.possible_again_at.ToDatetime()
        assert len(nudges(market, order.order_id)) == 2

    def test_ten_at_once_are_one(self, market: Market) -> None:
        order, token = market.order(), market.buyer_token

        def nudge(_: int) -> str:
            try:
                market.nudge(order.order_id, token=token)
            except Refused as refused:
                return refused.reason
            return "told"

        with ThreadPoolExecutor(10) as pool:
            results = sorted(pool.map(nudge, range(10)))

        assert results == ["NUDGED_ALREADY"] * 9 + ["told"]
        assert len(nudges(market, order.order_id)) == 1

    def test_needs_something_to_decide(self, market: Market) -> None:
        order = market.order()
        market.decide(order.order_id, "accept")

        refused = refuse(market.nudge, order.order_id)

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "ORDER_STATE_INVALID")
        assert (refused.metadata["state"], refused.metadata["allowed"]) == ("accepted", "created_pending")
        assert nudges(market, order.order_id) == []
