"""Every status that an order or a line is given comes out of the table of moves, whoever gives it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from marketmesh.commerce.v1 import order_pb2
from meshkit.db.sql import Sql
from services.commerce.orders.data import lifetimes, orders
from services.commerce.orders.domain.order_state import (
    LINE_TRANSITIONS,
    TRANSITIONS,
    Action,
    LineStatus,
    OrderStatus,
)
from services.commerce.schema.base import one_of
from tests.commerce.market import Market, status_name
from tests.commerce.stages import STAGES, bring_to
from tests.support.described import statements_of
from tests.support.mesh_harness import Refused, as_dict

TABLES = ("vendor_orders", "order_line_items")
_WATCH = """
    CREATE TABLE statuses_seen (place text, before text, after text);
    CREATE FUNCTION see_status() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN INSERT INTO statuses_seen VALUES (TG_TABLE_NAME, OLD.status, NEW.status); RETURN NEW; END $$;
"""
_TRIGGER = "CREATE TRIGGER see_status AFTER UPDATE OF status ON {table} FOR EACH ROW EXECUTE FUNCTION see_status()"
_FORGET = "DROP FUNCTION see_status() CASCADE; DROP TABLE statuses_seen"

Step = Callable[[Market, order_pb2.Order], Any]


def decide_lines(*decisions: str) -> Step:
    """Return what decides the lines of an order one after the other."""

    def step(market: Market, order: order_pb2.Order) -> None:
        for line, decision in zip(order.items, decisions, strict=True):
            market.decide_line(order.order_id, line.line_item_id, decision)

    return step


def accept_and_take_out(market: Market, order: order_pb2.Order) -> None:
    for decision in ("accept", "reject"):
        market.decide_line(order.order_id, order.items[0].line_item_id, decision)


def fail_and_reopen(market: Market, order: order_pb2.Order) -> None:
    market.finance("PaymentFailed", order.order_id)
    market.finance("PaymentReopened", order.order_id)


LINE_BY_LINE = (
    decide_lines("accept", "accept"),
    decide_lines("reject", "accept"),
    decide_lines("reject", "reject"),
    decide_lines("accept", "reject"),
    accept_and_take_out,
)
# Statuses of the contract that no order of ours has: what is packed is on hold.
UNUSED = {"fulfilled", "ready_for_dispatch", "hold_for_pickup"}
# What takes each action, and an order that it is possible for.
STEPS: dict[Action, tuple[str, Step]] = {
    Action.ACCEPT: ("created_pending", lambda market, order: market.decide(order.order_id, "accept")),
    Action.REJECT: ("created_pending", lambda market, order: market.decide(order.order_id, "reject")),
    Action.DECIDE_LINE: (
        "created_pending",
        lambda market, order: market.decide_line(order.order_id, order.items[0].line_item_id, "accept"),
    ),
    Action.FULFILL: ("accepted", lambda market, order: market.fulfill(order.order_id)),
    Action.CANCEL: ("accepted", lambda market, order: market.cancel(order.order_id)),
    Action.EXPIRE: ("created_pending", lambda market, order: market.expire(order.order_id)),
    Action.NUDGE: ("created_pending", lambda market, order: market.nudge(order.order_id)),
    Action.RETRY: ("expired", lambda market, order: market.retry(order.order_id)),
    Action.PICKUP: ("hold", lambda market, order: market.advance(order.order_id, "pickup")),
    Action.DELIVER: ("in_transit", lambda market, order: market.advance(order.order_id, "deliver")),
    Action.COLLECT_CASH: ("delivered", lambda market, order: market.finance("CashCollected", order.order_id)),
    Action.FAIL_PAYMENT: ("in_transit", lambda market, order: market.finance("PaymentFailed", order.order_id)),
    Action.REOPEN_PAYMENT: (
        "payment_mismatch",
        lambda market, order: market.finance("PaymentReopened", order.order_id),
    ),
    Action.PAY_VENDOR: ("delivered", lambda market, order: market.finance("OrderPaid", order.order_id)),
    Action.REMIND: ("created_pending", lambda market, _: remind(market)),
}


def remind(market: Market) -> None:
    market.mesh.clock.advance(timedelta(days=5))
    market.end_lifetimes()


@pytest.fixture
def seen(market: Market) -> Iterator[Callable[[], set[tuple[str, str, str]]]]:
    """Let the database write down which status follows which."""
    with market.mesh.as_owner("commerce") as tx:
        tx.execute(text(_WATCH))
        for table in TABLES:
            tx.execute(text(_TRIGGER.format(table=table)))
    yield lambda: {tuple(row) for row in rows_seen(market)}
    with market.mesh.as_owner("commerce") as tx:
        tx.execute(text(_FORGET))


def rows_seen(market: Market) -> list[Any]:
    with market.mesh.as_owner("commerce") as tx:
        return list(tx.execute(text("SELECT DISTINCT place, before, after FROM statuses_seen")))


def pairs(table: dict[Any, Any]) -> set[tuple[str, str]]:
    return {
        (before.value, after.value)
        for moves in table.values()
        for before, targets in moves.items()
        for after in targets
    }


def attempt(market: Market, order: order_pb2.Order, step: Step) -> str:
    """Take a step; returns the reason if it is refused."""
    try:
        step(market, order)
    except Refused as refused:
        return refused.reason
    return ""


class TestEveryStatus:
    def test_is_one_that_the_table_gives(self, market: Market, seen: Callable[[], set[tuple[str, str, str]]]) -> None:
        """Everything is tried on orders in every state; the database tells which moves came of it."""
        tried = [*(step for _, step in STEPS.values()), *LINE_BY_LINE, fail_and_reopen]
        reasons = {attempt(market, bring_to(market, stage), step) for stage in STAGES for step in tried}

        single = market.order((market.product(), 1))
        market.decide(single.order_id, "accept")
        market.decide_line(single.order_id, single.items[0].line_item_id, "reject")

        assert reasons <= {"", "ORDER_STATE_INVALID", "LINE_STATE_INVALID"}
        found = seen()
        of_orders = {(before, after) for place, before, after in found if place == "vendor_orders" and before != after}
        of_lines = {(before, after) for place, before, after in found if place == "order_line_items"}
        assert of_orders == {pair for pair in pairs(TRANSITIONS) if pair[0] != pair[1] and not set(pair) & UNUSED}
        assert of_lines == {pair for pair in pairs(LINE_TRANSITIONS) if LineStatus.HOLD.value not in pair}

    @pytest.mark.parametrize("action", Action)
    def test_stays_when_the_table_has_no_row_for_the_action(
        self, market: Market, monkeypatch: pytest.MonkeyPatch, action: Action
    ) -> None:
        stage, step = STEPS[action]
        order = bring_to(market, stage)
        monkeypatch.setitem(TRANSITIONS, action, {})  # type: ignore[arg-type]

        if action is Action.EXPIRE:
            # The job moves many orders at once and finds no status to move them to.
            with pytest.raises(ValueError, match="not enough values"):
                step(market, order)
        else:
            assert attempt(market, order, step) in {"", "ORDER_STATE_INVALID"}
        monkeypatch.undo()

        assert as_dict(market.read(order.order_id))["status"] == as_dict(order)["status"]

    def test_is_written_by_a_move_only(self, market: Market) -> None:
        order = market.order()

        with (
            pytest.raises(AssertionError, match="a status is written by a move"),
            market.mesh.transaction("commerce") as tx,
        ):
            orders.change(tx, uuid.UUID(order.order_id), status="closed")

        assert status_name(market.read(order.order_id)) == "created_pending"

    @pytest.mark.parametrize("kind", [OrderStatus, LineStatus])
    def test_is_a_parameter_wherever_a_statement_writes_one(self, kind: type[OrderStatus | LineStatus]) -> None:
        table = "vendor_orders" if kind is OrderStatus else "order_line_items"
        writes = re.compile(rf"UPDATE {table}\b[^;]*?\bSET\b(?P<columns>.*?)\bWHERE\b", re.DOTALL)
        written = [
            value
            for _, statement in statements_of("services.commerce")
            for found in writes.finditer(statement.text)
            for value in re.findall(r"(?<![a-z_])status = ([^,\s]+)", found["columns"])
        ]

        assert written
        assert all(value.startswith(":") for value in written)


class TestLifetimes:
    @pytest.mark.parametrize(
        ("action", "statement"),
        [(Action.EXPIRE, lifetimes._DUE_TO_EXPIRE), (Action.REMIND, lifetimes._DUE_TO_REMIND)],
    )
    def test_look_for_orders_where_the_table_lets_them(self, action: Action, statement: Sql[Any]) -> None:
        assert f"WHERE {one_of('o.status', TRANSITIONS[action])} AND" in statement.text
