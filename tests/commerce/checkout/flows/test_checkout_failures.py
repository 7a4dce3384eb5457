"""Checkout while its parts fail: every crash is finished by somebody, once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError

from marketmesh.commerce.v1 import cart_service_pb2, commerce_internal_service_pb2
from meshkit import crash as crash_points
from meshkit.resume import FlowResumer
from services.commerce.checkout.flows import checkout as flow
from tests.commerce.fake_catalog import Away
from tests.commerce.market import Market
from tests.support.mesh_harness import Refused


class Crash(Exception):
    """The process died here."""


def away_on(name: str, *, times: int = 10**6) -> Callable[[str], None]:
    left = [times]

    def fail(called: str) -> None:
        if called == name and left[0] > 0:
            left[0] -= 1
            raise Away

    return fail


def refuse(market: Market, cart_id: str, **options: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        market.checkout(cart_id, **options)
    return refused.value


def resume(market: Market) -> None:
    process = market.mesh.process("commerce")
    servicers = {path: method for item in process.wiring.servicers for path, method in item.methods().items()}
    FlowResumer(process.unit_of_work, process.policies, servicers).resume_all(process.transactions)


def orders_of(market: Market, cart_id: str) -> list[Any]:
    return market.mesh.rows(
        "commerce", "SELECT * FROM vendor_orders WHERE cart_id = CAST(:id AS uuid) ORDER BY order_number", id=cart_id
    )


def attempt_of(market: Market, cart_id: str) -> Any:
    (row,) = market.mesh.rows(
        "commerce", "SELECT * FROM checkout_attempts WHERE cart_id = CAST(:id AS uuid)", id=cart_id
    )
    return row


def two_vendors(market: Market) -> str:
    return market.quote((market.product(), 1), (market.product(market.new_vendor()), 2)).id


class TestCatalogAway:
    def test_says_so_and_writes_no_order(self, market: Market) -> None:
        cart_id = two_vendors(market)
        market.catalog.before = away_on("Reserve")

        refused = refuse(market, cart_id)

        assert (refused.code, refused.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert refused.metadata["dependency"] == "catalog"
        assert orders_of(market, cart_id) == []
        assert attempt_of(market, cart_id).state == "reserving"

    @pytest.mark.parametrize("same_key", [True, False])
    def test_the_next_call_goes_on_with_the_same_group(self, market: Market, same_key: bool) -> None:
        cart_id, token, key = two_vendors(market), market.buyer_token, uuid.uuid4().hex
        market.catalog.before = away_on("Reserve")
        refuse(market, cart_id, token=token, key=key)
        group_id = str(attempt_of(market, cart_id).checkout_group_id)
        market.catalog.before = None

        answer = market.checkout(cart_id, token=token, key=key if same_key else uuid.uuid4().hex)

        assert answer.checkout_group_id == group_id
        assert len(orders_of(market, cart_id)) == 2

    def test_a_lost_reply_reserves_nothing_twice(self, market: Market) -> None:
        product = market.product(stock=5)
        cart_id, token, key = market.quote((product, 3)).id, market.buyer_token, uuid.uuid4().hex
        market.catalog.after = away_on("Reserve")
        refuse(market, cart_id, token=token, key=key)
        market.catalog.after = None

        (order,) = market.checkout(cart_id, token=token, key=key).vendor_orders

        assert market.catalog.stock[product] == 2
        assert order.total_cents == 3000

    def test_a_short_absence_is_not_noticed(self, market: Market) -> None:
        market.catalog.before = away_on("Reserve", times=2)

        assert market.checkout(market.quote().id).vendor_orders

    def test_takes_the_terms_of_the_call_that_succeeds(self, market: Market) -> None:
        quote = market.quote()
        market.catalog.before = away_on("Reserve")
        refuse(market, quote.id, tip_cents=1)
        market.catalog.before = None

        assert market.checkout(quote.id, tip_cents=2).tip_cents == 2


def before_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_stock_lines", crash)


def after_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_convert", crash)


def inside_the_last_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "finish_attempt", crash)


def crash(*_: object, **__: object) -> None:
    raise Crash


CRASH_POINTS = (before_reserve, after_reserve, inside_the_last_transaction)


class TestCrash:
    @pytest.mark.parametrize("crash_point", CRASH_POINTS)
    def test_is_finished_by_the_resume_job(
        self, market: Market, monkeypatch: pytest.MonkeyPatch, crash_point: Callable[[pytest.MonkeyPatch], None]
    ) -> None:
        cart_id, token, key = two_vendors(market), market.buyer_token, uuid.uuid4().hex
        crash_point(monkeypatch)
        assert refuse(market, cart_id, token=token, key=key).code == "INTERNAL"
        assert orders_of(market, cart_id) == []
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(seconds=21))

        resume(market)
        resume(market)
        answer = market.checkout(cart_id, token=token, key=key)

        assert [str(row.id) for row in orders_of(market, cart_id)] == [order.order_id for order in answer.vendor_orders]
        assert len(answer.vendor_orders) == 2
        assert [len(market.events(order.order_id)) for order in answer.vendor_orders] == [1, 1]
        assert len(market.events(answer.checkout_group_id)) == 1
        assert market.prove() == []

    @pytest.mark.parametrize("crash_point", CRASH_POINTS)
    @pytest.mark.parametrize("same_key", [True, False])
    def test_is_finished_by_the_next_call(
        self,
        market: Market,
        monkeypatch: pytest.MonkeyPatch,
        crash_point: Callable[[pytest.MonkeyPatch], None],
        same_key: bool,
    ) -> None:
        cart_id, token, key = two_vendors(market), market.buyer_token, uuid.uuid4().hex
        crash_point(monkeypatch)
        refuse(market, cart_id, token=token, key=key)
        group_id = attempt_of(market, cart_id).checkout_group_id
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(seconds=21))

        answer = market.checkout(cart_id, token=token, key=key if same_key else uuid.uuid4().hex)
        resume(market)

        assert answer.checkout_group_id == str(group_id)
        assert len(orders_of(market, cart_id)) == 2
        assert len(market.events(answer.checkout_group_id)) == 1

    @pytest.mark.parametrize("label", ["Checkout tx1.committing", "Checkout tx2.committing"])
    def test_a_deadlock_with_whoever_takes_it_over_is_no_defect(
        self, market: Market, monkeypatch: pytest.MonkeyPatch, label: str
    ) -> None:
        cart_id, token, left = two_vendors(market), market.buyer_token, [2]

        def deadlock(at: str) -> None:
            if at == label and left[0]:
                left[0] -= 1
                raise OperationalError("UPDATE idempotency_keys", {}, DeadlockDetected())

        monkeypatch.setattr(crash_points, "_trap", SimpleNamespace(spring=deadlock))

        answer = market.checkout(cart_id, token=token)

        assert left == [0]
        assert [str(row.id) for row in orders_of(market, cart_id)] == [order.order_id for order in answer.vendor_orders]
        assert len(market.events(answer.checkout_group_id)) == 1
        assert market.prove() == []

    def test_is_finished_although_the_quote_ran_out_meanwhile(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cart_id = two_vendors(market)
        market.mesh.clock.advance(timedelta(minutes=14, seconds=50))
        after_reserve(monkeypatch)
        refuse(market, cart_id)
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(seconds=21))

        resume(market)

        assert len(orders_of(market, cart_id)) == 2

    def test_is_given_up_when_its_stock_may_have_expired(self, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
        cart_id = two_vendors(market)
        after_reserve(monkeypatch)
        refuse(market, cart_id)
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(minutes=16))

        resume(market)

        assert orders_of(market, cart_id) == []
        assert refuse(market, cart_id).reason == "QUOTE_EXPIRED"

    def test_starts_over_with_a_new_group_when_the_quote_outlives_the_attempt(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cart_id = two_vendors(market)
        after_reserve(monkeypatch)
        refuse(market, cart_id)
        group_id = str(attempt_of(market, cart_id).checkout_group_id)
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(minutes=11))

        answer = market.checkout(cart_id)

        assert answer.checkout_group_id != group_id
        assert market.prove() == []


class TestOvertaken:
    def test_a_run_that_was_away_too_long_leaves_nothing(self, market: Market) -> None:
        """Run A hangs in Reserve for eleven minutes; B starts over; A then finds its attempt gone."""
        cart_id, token = two_vendors(market), market.buyer_token
        hanging, go_on, refusals = threading.Event(), threading.Event(), []

        def hang(name: str) -> None:
            if name == "Reserve" and not hanging.is_set():
                hanging.set()
                assert go_on.wait(8)
                market.catalog.before = None
                start_over(market, cart_id)

        market.catalog.before = hang
        run = threading.Thread(target=lambda: refusals.append(refuse(market, cart_id, token=token)))
        run.start()
        assert hanging.wait(5)
        go_on.set()
        run.join(10)

        assert [refusal.reason for refusal in refusals] == ["CHECKOUT_RUNNING"]
        assert orders_of(market, cart_id) == []
        assert market.checkout(cart_id).vendor_orders

    def test_a_run_whose_group_was_settled_buys_nothing_and_the_next_does(self, market: Market) -> None:
        """Catalog's reservations ran out while the run hung: it was told that the group would not be bought."""
        cart_id = two_vendors(market)
        told: list[list[str]] = []

        def settle_once(name: str) -> None:
            if name == "Reserve" and not told:
                told.append(settle(market, str(attempt_of(market, cart_id).checkout_group_id)))

        market.catalog.after = settle_once
        refused = refuse(market, cart_id)
        begun = str(attempt_of(market, cart_id).checkout_group_id)

        answer = market.checkout(cart_id)

        assert (told, refused.reason) == ([[]], "CHECKOUT_RUNNING")
        assert answer.checkout_group_id != begun
        assert len(orders_of(market, cart_id)) == 2
        assert settle(market, begun) == []
        assert settle(market, answer.checkout_group_id, begun, str(uuid.uuid4())) == [answer.checkout_group_id]

    def test_a_retry_whose_group_was_settled_starts_over(self, market: Market) -> None:
        order = market.expire(market.order().order_id)
        sql = "SELECT checkout_group_id FROM order_retries WHERE order_id = CAST(:id AS uuid)"
        told: list[list[str]] = []

        def settle_once(name: str) -> None:
            if name == "Reserve" and not told:
                (row,) = market.mesh.rows("commerce", sql, id=order.order_id)
                told.append(settle(market, str(row.checkout_group_id)))

        market.catalog.after = settle_once
        with pytest.raises(Refused) as refused:
            market.retry(order.order_id)
        answer = market.retry(order.order_id)

        assert (told, refused.value.reason) == ([[]], "RETRY_RUNNING")
        assert settle(market, answer.checkout_group_id) == [answer.checkout_group_id]
        assert market.prove() == []

    def test_a_new_quote_takes_the_place_of_an_unfinished_checkout(self, market: Market) -> None:
        old = market.quote((market.product(stock=9), 4))
        token, key = market.buyer_token, uuid.uuid4().hex
        market.catalog.after = away_on("Reserve")
        refuse(market, old.id, token=token, key=key)
        group_id = str(attempt_of(market, old.id).checkout_group_id)
        market.catalog.after = None

        new = market.quote()

        assert new.id != old.id
        assert market.catalog.released == [*market.catalog.released[:-1], group_id]
        refused = refuse(market, old.id, token=token, key=key)
        assert (refused.reason, refused.metadata["state"]) == ("CART_NOT_ACTIVE", "superseded")
        assert market.checkout(new.id).cart_id == new.id
        assert market.prove() == []

    def test_the_resume_job_never_buys_what_was_quoted_later(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = market.quote()
        after_reserve(monkeypatch)
        refuse(market, old.id)
        monkeypatch.undo()
        new = market.quote()
        market.mesh.clock.advance(timedelta(seconds=21))

        resume(market)

        assert orders_of(market, old.id) == orders_of(market, new.id) == []
        read = market.mesh.read(market.carts.GetCart, cart_service_pb2.GetCartRequest(), token=market.buyer_token)
        assert read == new

    def test_a_quote_in_the_middle_of_a_checkout_makes_it_give_its_stock_back(self, market: Market) -> None:
        old = market.quote()
        quoted: list[Any] = []

        def requote(name: str) -> None:
            if name == "Reserve" and not quoted:
                quoted.append(market.quote())

        market.catalog.after = requote
        refused = refuse(market, old.id)
        group_id = str(attempt_of(market, old.id).checkout_group_id)

        assert refused.reason == "CART_NOT_ACTIVE"
        assert group_id in market.catalog.released
        assert group_id not in market.catalog.reserved
        assert orders_of(market, old.id) == []


def settle(market: Market, *group_ids: str) -> list[str]:
    """Ask, as catalog does, which groups were bought."""
    request = commerce_internal_service_pb2.SettleCheckoutsRequest(group_ids=group_ids)
    answer, _ = market.mesh.call(market.internal.SettleCheckouts, request, token=market.mesh.service_token("catalog"))
    return list(answer.bought_group_ids)


def start_over(market: Market, cart_id: str) -> None:
    """Let another run start the attempt over, as it would after eleven minutes."""
    from sqlalchemy import text

    with market.mesh.transaction("commerce") as tx:
        tx.execute(
            text("UPDATE checkout_attempts SET checkout_group_id = :group WHERE cart_id = :cart"),
            {"group": uuid.uuid4(), "cart": uuid.UUID(cart_id)},
        )
