"""What commerce keeps of whom fulfillment gives orders to, and who may see it."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketmesh.fulfillment.events.v1 import fulfillment_events_pb2 as fulfillment
from tests.commerce.market import Market
from tests.commerce.stages import bring_to
from tests.support.statements import recorded_statements

NOON = datetime(2026, 8, 3, 12, tzinfo=UTC)


def assigned(order_id: str, *, version: int = 1, agent: str = "", **fields: Any) -> fulfillment.AgentAssigned:
    event = fulfillment.AgentAssigned(
        order_id=order_id,
        agent_user_id=agent or str(uuid.uuid4()),
        version=version,
        **{"reason": "auto_random", **fields},
    )
    event.assigned_at.FromDatetime(NOON + timedelta(minutes=version))
    return event


def agent_of(market: Market, order_id: str) -> str:
    return market.read(order_id).active_assignment.agent_user_id


class TestAgentsAssigned:
    def test_tells_the_vendor_who_it_is_and_the_buyer_that_there_is_somebody(self, market: Market) -> None:
        order = market.packed()
        event = assigned(order.order_id)

        market.mesh.deliver("commerce", event)

        sold, bought = (market.read(order.order_id, token=token) for token in (market.vendor_token, market.buyer_token))
        told = sold.active_assignment
        assert (told.agent_user_id, told.reason, told.assigned_at) == (
            event.agent_user_id,
            "auto_random",
            event.assigned_at,
        )
        assert [field.name for field, _ in bought.active_assignment.ListFields()] == ["assigned_at"]
        assert bought.active_assignment.assigned_at == event.assigned_at
        assert sold.version == order.version

    def test_shows_nobody_before(self, market: Market) -> None:
        assert not market.read(market.packed().order_id).HasField("active_assignment")

    @pytest.mark.parametrize("order_of_news", list(itertools.permutations([1, 2, 3])))
    def test_the_last_one_has_the_order_in_whatever_order_it_is_told(
        self, market: Market, order_of_news: tuple[int, ...]
    ) -> None:
        order = market.packed()
        news = {version: assigned(order.order_id, version=version, reason="admin_override") for version in (1, 2, 3)}

        for version in order_of_news:
            market.mesh.deliver("commerce", news[version])

        assert agent_of(market, order.order_id) == news[3].agent_user_id

    def test_the_version_counts_and_not_the_clocks(self, market: Market) -> None:
        order = market.packed()
        first, second = (assigned(order.order_id, version=version) for version in (1, 2))
        second.assigned_at.FromDatetime(NOON - timedelta(hours=1))

        for event in (second, first):
            market.mesh.deliver("commerce", event)

        assert agent_of(market, order.order_id) == second.agent_user_id

    def test_the_time_decides_among_those_that_tell_no_version(self, market: Market) -> None:
        order = market.packed()
        first, second = (assigned(order.order_id, version=version) for version in (1, 2))
        first.version = second.version = 0

        for event in (second, first):
            market.mesh.deliver("commerce", event)

        assert agent_of(market, order.order_id) == second.agent_user_id

    def test_counts_once_however_often_it_is_told(self, market: Market) -> None:
        order = market.packed()
        event = assigned(order.order_id)

        event_id = market.mesh.deliver("commerce", event)
        market.mesh.deliver("commerce", event, event_id=event_id)
        market.mesh.deliver("commerce", event)

        assert agent_of(market, order.order_id) == event.agent_user_id

    def test_an_order_that_is_called_off_is_nobody_s_any_more(self, market: Market) -> None:
        order = market.packed()
        market.mesh.deliver("commerce", assigned(order.order_id))

        market.cancel(order.order_id)

        assert not market.read(order.order_id).HasField("active_assignment")

    @pytest.mark.parametrize("stage", ["hold", "in_transit", "delivered", "closed"])
    def test_stays_who_brought_it(self, market: Market, stage: str) -> None:
        order = bring_to(market, stage)
        event = assigned(order.order_id)

        market.mesh.deliver("commerce", event)

        assert agent_of(market, order.order_id) == event.agent_user_id

    @pytest.mark.parametrize("count", [1, 2, 30])
    def test_many_cost_one_statement_beside_the_inbox(self, market: Market, count: int) -> None:
        events = [assigned(str(uuid.uuid4())) for _ in range(count)]

        with recorded_statements(market.mesh.process("commerce").database) as sessions:
            market.mesh.deliver_together("commerce", events)

        statements = [statement for session in sessions for statement in session if "inbox" not in statement]
        assert len(statements) == 1
        found = market.mesh.rows(
            "commerce",
            "SELECT 1 FROM order_assignments WHERE order_id = ANY(CAST(:ids AS uuid[]))",
            ids=[event.order_id for event in events],
        )
        assert len(found) == count
