"""Who sees which orders."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.commerce.v1 import order_pb2, order_service_pb2
from tests.commerce.market import Market
from tests.commerce.stages import bring_to, refuse


class TestTenancy:
    def test_answers_a_foreign_order_as_a_missing_one(self, market: Market) -> None:
        order, stranger = market.order(), market.mesh.store_token(market.new_vendor())
        missing = str(uuid.uuid4())
        for call in (
            lambda order_id: market.read(order_id, token=stranger),
            lambda order_id: market.decide(order_id, "accept", token=stranger),
            lambda order_id: market.fulfill(order_id, token=stranger),
            lambda order_id: market.cancel(order_id, token=stranger),
            # The vendor of an order is not its buyer.
            lambda order_id: market.cancel(order_id, token=market.vendor_token),
        ):
            foreign, unknown = refuse(call, order.order_id), refuse(call, missing)
            assert foreign.code == "NOT_FOUND"
            assert foreign.status.SerializeToString(deterministic=True) == unknown.status.SerializeToString(
                deterministic=True
            )

    def test_a_buyer_store_decides_nothing(self, market: Market) -> None:
        order = market.order()

        assert refuse(market.decide, order.order_id, "accept", token=market.buyer_token).reason == "FORBIDDEN"

    def test_shows_an_order_to_both_parties(self, market: Market) -> None:
        order = market.order()

        assert market.read(order.order_id, token=market.buyer_token) == market.read(order.order_id) == order


class TestListOrders:
    def list(self, market: Market, token: str, **fields: Any) -> order_service_pb2.ListOrdersResponse:
        request = order_service_pb2.ListOrdersRequest(**fields)
        answer: order_service_pb2.ListOrdersResponse = market.mesh.read(market.orders.ListOrders, request, token=token)
        return answer

    def test_shows_each_side_its_own(self, market: Market) -> None:
        sold = market.order()
        bought = market.send_quote(
            market.quote_request((market.product(market.new_vendor()), 1), buyer=market.vendor),
            token=market.vendor_token,
        )
        market.checkout(bought.id, token=market.vendor_token)

        assert list(self.list(market, market.vendor_token).items) == [sold]
        assert list(self.list(market, market.buyer_token).items) == [sold]

    def test_pages_without_gap_or_repetition(self, market: Market) -> None:
        made = []
        for number in range(12):
            made.append(market.order().order_id)
            if number % 3 == 0:
                market.mesh.clock.advance(timedelta(seconds=1))
        seen, cursor = [], ""

        for _ in range(5):
            page = self.list(market, market.vendor_token, limit=3, cursor=cursor)
            seen += [order.order_id for order in page.items]
            cursor = page.next_cursor
            if not cursor:
                break

        assert (sorted(seen), len(set(seen)), cursor) == (sorted(made), 12, "")
        assert seen[-1] == made[0]

    def test_filters_by_status(self, market: Market) -> None:
        accepted, pending = bring_to(market, "accepted"), market.order()

        for token in (market.buyer_token, market.vendor_token):
            found = self.list(market, token, order_status=[order_pb2.OrderStatus.accepted])
            assert [order.order_id for order in found.items] == [accepted.order_id]
            found = self.list(market, token, order_status=["accepted", "created_pending"])
            assert {order.order_id for order in found.items} == {accepted.order_id, pending.order_id}

    def test_shows_the_vendor_what_waits(self, market: Market) -> None:
        waiting = {bring_to(market, stage).order_id for stage in ("created_pending", "accepted", "partially_accepted")}
        for stage in ("hold", "rejected", "canceled"):
            bring_to(market, stage)

        found = self.list(market, market.vendor_token, actionable=True)

        assert {order.order_id for order in found.items} == waiting

    @pytest.mark.parametrize(
        "fields", [{"order_status": [0]}, {"order_status": [99]}, {"cursor": "nonsense"}, {"limit": 101}]
    )
    def test_refuses_filters_that_mean_nothing(self, market: Market, fields: dict[str, Any]) -> None:
        refused = refuse(self.list, market, market.vendor_token, **fields)

        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "VALIDATION_ERROR")


class TestAudit:
    def test_keeps_who_decided_what(self, market: Market) -> None:
        order = market.order()

        market.decide(order.order_id, "accept")

        rows = market.mesh.rows("commerce", "SELECT * FROM audit_log WHERE target = :id", id=order.order_id)
        assert [(row.action, str(row.actor_store_id), row.before, row.after) for row in rows] == [
            ("order.decide", market.vendor, {"status": "created_pending"}, {"status": "accepted"})
        ]
