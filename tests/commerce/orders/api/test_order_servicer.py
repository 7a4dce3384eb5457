"""Who sees which orders."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import text

from marketmesh.commerce.v1 import cart_service_pb2, order_pb2, order_service_pb2
from marketmesh.fulfillment.events.v1 import fulfillment_events_pb2 as fulfillment
from services.commerce.schema.orders import vendor_orders
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

    def test_shows_120_on_five_pages(self, market: Market) -> None:
        first = market.order()
        with market.mesh.transaction("commerce") as tx:
            # Copies that share instants by threes; only the first has lines.
            columns = [c.name for c in vendor_orders.c if c.name not in {"id", "order_number", "created_at"}]
            others = ", ".join("gen_random_uuid()" if name == "checkout_group_id" else name for name in columns)
            tx.execute(
                text(
                    f"INSERT INTO vendor_orders (id, created_at, {', '.join(columns)}) SELECT gen_random_uuid(),"
                    f" created_at + interval '1 second' * (n / 3), {others} FROM vendor_orders, generate_series(3, 121) n"
                    " WHERE id = CAST(:id AS uuid)"
                ),
                {"id": first.order_id},
            )
        for token in (market.buyer_token, market.vendor_token):
            seen, cursor, pages = [], "", 0
            while cursor or not pages:
                page = self.list(market, token, limit=24, cursor=cursor)
                seen += [order.order_id for order in page.items]
                cursor, pages = page.next_cursor, pages + 1

            assert (pages, len(seen), len(set(seen)), seen[-1]) == (5, 120, 120, first.order_id)
        with market.mesh.as_owner("commerce") as tx:
            tx.execute(
                text(
                    "DELETE FROM vendor_orders WHERE buyer_store_id = CAST(:buyer AS uuid) AND id <> CAST(:id AS uuid)"
                ),
                {"buyer": market.buyer, "id": first.order_id},
            )

    @pytest.mark.parametrize("side", ["buyer", "vendor"])
    @pytest.mark.parametrize(
        ("fields", "stages"),
        [
            ({"fulfillment_status": ["fulfilled"]}, {"hold", "in_transit"}),
            ({"fulfillment_status": ["pending", "fulfilled"]}, {"created_pending", "rejected", "hold", "in_transit"}),
            ({"shipping_status": ["in_transit"]}, {"in_transit"}),
            ({"payment_status": ["rejected"]}, {"rejected"}),
            ({"payment_status": ["unpaid"], "shipping_status": ["pending"]}, {"created_pending", "hold"}),
            ({"order_status": ["hold"], "payment_status": ["rejected"]}, set()),
        ],
    )
    def test_filters_by_where_order_goods_and_money_stand(
        self, market: Market, side: str, fields: dict[str, Any], stages: set[str]
    ) -> None:
        made = {
            bring_to(market, stage).order_id: stage for stage in ("created_pending", "rejected", "hold", "in_transit")
        }

        found = self.list(market, market.buyer_token if side == "buyer" else market.vendor_token, **fields)

        assert {made[order.order_id] for order in found.items} == stages

    def test_filters_by_when_the_end_left_out(self, market: Market) -> None:
        made = []
        for _ in range(3):
            made.append(market.order())
            market.mesh.clock.advance(timedelta(hours=1))
        first, second, third = made

        found = self.list(market, market.buyer_token, date_from=first.created_at, date_to=third.created_at)

        assert [order.order_id for order in found.items] == [second.order_id, first.order_id]

    def test_finds_by_number_and_by_the_other_side_s_name(self, market: Market) -> None:
        vendor = market.new_vendor(name="100% Green_Farm")
        plain, special = market.order(), market.order((market.product(vendor), 1))

        def found(q: str, token: str = "") -> list[str]:
            return [order.order_id for order in self.list(market, token or market.buyer_token, q=q).items]

        assert found("green_f") == found(" 100% ") == [special.order_id]
        assert found(str(plain.order_number), market.vendor_token) == [plain.order_id]
        assert found("buy", market.vendor_token) == [plain.order_id]
        assert found("%") == [special.order_id]
        assert found("greenXfarm") == found("9" * 30) == found("' OR 1=1 --") == []

    @pytest.mark.parametrize("q", ["CAFE\u0301 MU\u0308", "caf\u00e9\u2003M\u00fc"])
    def test_finds_a_name_however_it_is_spelt(self, market: Market, q: str) -> None:
        vendor = market.new_vendor(name="Cafe\u0301\u00a0Mu\u0308ller")
        order = market.order((market.product(vendor), 1))

        assert [each.order_id for each in self.list(market, market.buyer_token, q=q).items] == [order.order_id]

    def test_shows_the_vendor_only_some_of_what_waits(self, market: Market) -> None:
        accepted = bring_to(market, "accepted")
        for stage in ("created_pending", "partially_accepted", "hold"):
            bring_to(market, stage)

        found = self.list(market, market.vendor_token, actionable_statuses=["accepted"])

        assert [order.order_id for order in found.items] == [accepted.order_id]

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"order_status": [0]}, "order_status[0]"),
            ({"order_status": [99]}, "order_status[0]"),
            ({"fulfillment_status": [1, 99]}, "fulfillment_status[1]"),
            ({"shipping_status": [-1]}, "shipping_status[0]"),
            ({"payment_status": [0]}, "payment_status[0]"),
            ({"actionable_statuses": ["delivered"]}, "actionable_statuses[0]"),
            ({"date_from": Timestamp(seconds=5), "date_to": Timestamp(seconds=5)}, "date_to"),
            ({"date_from": Timestamp(seconds=2**60)}, "date_from"),
            ({"q": "a" * 101}, "q"),
            ({"q": "a\0b"}, "q"),
            ({"cursor": "nonsense"}, "cursor"),
            ({"limit": 101}, "limit"),
        ],
    )
    def test_refuses_filters_that_mean_nothing(self, market: Market, fields: dict[str, Any], field: str) -> None:
        refused = refuse(self.list, market, market.vendor_token, **fields)

        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "VALIDATION_ERROR")
        assert refused.violations[0].field == field

    def test_refuses_a_vendor_s_filter_to_a_buyer(self, market: Market) -> None:
        refused = refuse(self.list, market, market.buyer_token, actionable_statuses=["accepted"])

        assert refused.violations[0].field == "actionable_statuses"


class TestAudit:
    def test_keeps_who_decided_what(self, market: Market) -> None:
        order = market.order()

        market.decide(order.order_id, "accept")

        rows = market.mesh.rows("commerce", "SELECT * FROM audit_log WHERE target = :id", id=order.order_id)
        assert [(row.action, str(row.actor_store_id), row.before, row.after) for row in rows] == [
            ("order.decide", market.vendor, {"status": "created_pending"}, {"status": "accepted"})
        ]


class TestInternalNotes:
    def write(self, market: Market, order_id: str, notes: str | None, token: str = "") -> order_pb2.Order:
        request = order_service_pb2.SetInternalNotesRequest(order_id=order_id, internal_notes=notes)
        order: order_pb2.Order = market.mesh.write(
            market.orders.SetInternalNotes, request, token=token or market.vendor_token
        )
        return order

    def test_are_the_vendors_alone(self, market: Market) -> None:
        order = bring_to(market, "delivered")

        written = self.write(market, order.order_id, "Pays late.")

        assert (written.internal_notes, written.version) == ("Pays late.", order.version)
        assert market.read(order.order_id).internal_notes == "Pays late."
        assert market.listed(order.order_id).internal_notes == "Pays late."
        assert market.read(order.order_id, token=market.buyer_token).internal_notes == ""
        assert self.write(market, order.order_id, "").internal_notes == ""

    def test_must_be_said(self, market: Market) -> None:
        order = market.order()
        self.write(market, order.order_id, "Pays late.")

        refused = refuse(self.write, market, order.order_id, None)

        assert (refused.reason, refused.violations[0].field) == ("VALIDATION_ERROR", "internal_notes")
        assert market.read(order.order_id).internal_notes == "Pays late."

    def test_of_another_vendor_are_not_there(self, market: Market) -> None:
        stranger = market.mesh.store_token(market.new_vendor(), store_type="vendor")

        assert refuse(self.write, market, market.order().order_id, "x", token=stranger).code == "NOT_FOUND"


class TestAssignments:
    def test_stand_in_lists_and_confirmation_as_in_the_order(self, market: Market) -> None:
        answer = market.checkout()
        order_id = answer.vendor_orders[0].order_id
        market.mesh.deliver(
            "commerce",
            fulfillment.AgentAssigned(
                order_id=order_id, agent_user_id=market.agent, reason="auto_random", assigned_at=Timestamp(seconds=7)
            ),
        )

        request = cart_service_pb2.GetConfirmationRequest(id=answer.checkout_group_id)
        confirmed = market.mesh.read(market.carts.GetConfirmation, request, token=market.buyer_token)

        assert market.listed(order_id).active_assignment.agent_user_id == market.agent
        for bought in (market.listed(order_id, token=market.buyer_token), confirmed.vendor_orders[0]):
            assert bought.active_assignment.assigned_at.seconds == 7
            assert bought.active_assignment.agent_user_id == ""
        market.cancel(order_id)
        assert not market.listed(order_id).HasField("active_assignment")
