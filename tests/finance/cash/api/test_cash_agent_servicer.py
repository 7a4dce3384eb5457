"""What agents do with the cash that they carry, through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.finance.v1 import cash_agent_service_pb2 as messages
from tests.finance.cash_desk import COST, CashDesk, Status
from tests.support.mesh_harness import MeshHarness, Refused


def refused(call: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def hand_ins(desk: CashDesk) -> int:
    sql = "SELECT count(*) AS n FROM cash_hand_ins WHERE agent_user_id = :agent"
    return int(desk.mesh.rows("finance", sql, agent=desk.agent)[0].n)


class TestListHeldCash:
    def test_pages_what_is_carried_longest_first(self, mesh: MeshHarness, desk: CashDesk) -> None:
        orders = []
        for number in range(5):
            mesh.clock.advance(timedelta(seconds=number % 2))
            orders.append(desk.collected())

        pages = desk.pages(lambda **page: desk.carry("ListHeldCash", **page), limit=2)

        found = [item for page in pages for item in page]
        assert [len(page) for page in pages] == [2, 2, 1]
        assert {item.order_id for item in found} == {order.order_id for order in orders}
        assert [item.cash_collected_at.ToDatetime() for item in found] == sorted(
            item.cash_collected_at.ToDatetime() for item in found
        )
        assert {(item.amount_cents, item.currency) for item in found} == {(COST, "USD")}

    def test_leaves_out_what_is_declared_and_what_others_carry(self, desk: CashDesk) -> None:
        mine, declared = desk.collected(), desk.collected()
        desk.payments.collected()
        desk.declare(declared)

        assert [item.order_id for item in desk.carry("ListHeldCash").items] == [mine.order_id]


class TestListStations:
    def test_shows_them_to_agents_and_administrators(self, desk: CashDesk) -> None:
        assert desk.station in [item.station_id for item in desk.carry("ListStations").items]


class TestDeclareHandIn:
    def test_records_what_the_agent_says_and_posts_nothing(self, desk: CashDesk) -> None:
        orders = [desk.collected(), desk.collected()]

        hand_in = desk.declare(*orders, cents=COST - 5)

        assert (hand_in.status, hand_in.declared_cents) == (Status.declared, 2 * (COST - 5))
        assert (hand_in.agent_user_id, hand_in.station_id) == (str(desk.agent), desk.station)
        assert {item.order_id for item in hand_in.items} == {order.order_id for order in orders}
        assert {(item.collected_cents, item.declared_cents) for item in hand_in.items} == {(COST, COST - 5)}
        assert not any(item.HasField("counted_cents") for item in hand_in.items)
        assert (desk.held(), desk.at_station()) == (2 * COST, 0)
        (row,) = desk.audited(hand_in.hand_in_id, "cash.declare")
        assert row.actor_user_id == desk.agent
        assert row.after["declared_cents"] == {order.order_id: COST - 5 for order in orders}

    def test_takes_each_orders_cash_once(self, desk: CashDesk) -> None:
        order = desk.collected()
        hand_in = desk.declare(order)

        refusal = refused(lambda: desk.declare(order))

        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CASH_ALREADY_DECLARED")
        assert refusal.metadata["hand_in_id"] == hand_in.hand_in_id
        assert refusal.metadata["order_id"] == order.order_id
        assert hand_ins(desk) == 1

    def test_is_one_under_calls_at_once(self, desk: CashDesk) -> None:
        orders, start = [desk.collected() for _ in range(3)], threading.Barrier(6)

        def declare(number: int) -> str:
            start.wait(10)
            try:
                return desk.declare(*orders[:: 1 if number % 2 else -1]).hand_in_id
            except Refused as refusal:
                return refusal.reason

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(declare, range(6)))

        assert answers.count("CASH_ALREADY_DECLARED") == 5
        assert hand_ins(desk) == 1

    def test_replays_the_same_hand_in(self, desk: CashDesk) -> None:
        order, key = desk.collected(), uuid.uuid4().hex

        first, second = desk.declare(order, key=key), desk.declare(order, key=key)

        assert first == second
        assert hand_ins(desk) == 1

    def test_answers_another_agents_order_as_a_missing_one(self, desk: CashDesk) -> None:
        foreign, uncollected = desk.payments.collected(), desk.payments.opened()
        missing = desk.payments.opened()
        missing.order_id = str(uuid.uuid4())

        refusals = [refused(lambda order=order: desk.declare(order)) for order in (foreign, uncollected, missing)]

        assert {refusal.reason for refusal in refusals} == {"VALIDATION_ERROR"}
        assert {item.field for refusal in refusals for item in refusal.violations} == {"items[0].order_id"}
        assert len({refusal.status.SerializeToString(deterministic=True) for refusal in refusals}) == 1
        assert hand_ins(desk) == 0

    @pytest.mark.parametrize("cents", [0, -1, 10**15 + 1, 2**63 - 1, -(2**63)])
    def test_refuses_sums_that_are_none(self, desk: CashDesk, cents: int) -> None:
        order = desk.collected()

        refusal = refused(lambda: desk.declare(order, cents=cents))

        assert [item.field for item in refusal.violations] == ["items[0].declared_cents"]
        assert hand_ins(desk) == 0

    def test_refuses_another_currency_a_repeated_order_and_an_unknown_station(self, desk: CashDesk) -> None:
        order = desk.collected()

        refusals = [
            refused(lambda: desk.declare(order, currency="EUR")),
            refused(lambda: desk.declare(order, order)),
            refused(lambda: desk.declare(order, station_id=str(uuid.uuid4()))),
            refused(lambda: desk.declare()),
        ]

        assert [[item.field for item in refusal.violations] for refusal in refusals] == [
            ["currency"],
            ["items[1].order_id"],
            ["station_id"],
            ["items"],
        ]
        assert hand_ins(desk) == 0
        assert [item.order_id for item in desk.carry("ListHeldCash").items] == [order.order_id]


class TestMyHandIns:
    def test_pages_newest_first(self, mesh: MeshHarness, desk: CashDesk) -> None:
        made = []
        for _ in range(3):
            mesh.clock.advance(timedelta(seconds=1))
            made.append(desk.declare(desk.collected()).hand_in_id)

        pages = desk.pages(lambda **page: desk.carry("ListMyHandIns", **page), limit=2)

        assert [[item.hand_in_id for item in page] for page in pages] == [made[:0:-1], made[:1]]

    def test_shows_what_was_counted_of_each_order(self, desk: CashDesk) -> None:
        hand_in = desk.declare(desk.collected())
        desk.count(hand_in, COST - 1)

        shown = desk.carry("GetMyHandIn", hand_in_id=hand_in.hand_in_id)

        assert (shown.status, shown.items[0].counted_cents) == (Status.mismatched, COST - 1)

    def test_is_as_missing_to_others_as_one_that_does_not_exist(self, desk: CashDesk) -> None:
        hand_in = desk.declare(desk.collected())

        foreign = refused(lambda: desk.carry("GetMyHandIn", who=uuid.uuid4(), hand_in_id=hand_in.hand_in_id))
        missing = refused(lambda: desk.carry("GetMyHandIn", hand_in_id=str(uuid.uuid4())))

        assert foreign.code == "NOT_FOUND"
        assert foreign.status.SerializeToString() == missing.status.SerializeToString()


class TestEveryMethod:
    @pytest.mark.parametrize("who", ["nobody", "store", "admin", "service"])
    def test_serves_agents_only(self, mesh: MeshHarness, desk: CashDesk, who: str) -> None:
        order = desk.collected()
        token = {
            "nobody": "",
            "store": mesh.store_token(uuid.uuid4(), user_id=desk.agent),
            "admin": mesh.admin_token(desk.agent),
            "service": mesh.service_token(),
        }[who]
        items = [messages.DeclaredCash(order_id=order.order_id, declared_cents=COST)]
        request = messages.DeclareHandInRequest(station_id=desk.station, currency="USD", items=items)

        refusal = refused(lambda: mesh.call(desk.agents.DeclareHandIn, request, token=token, key=uuid.uuid4().hex))

        assert refusal.code == "UNAUTHENTICATED"
        assert hand_ins(desk) == 0
