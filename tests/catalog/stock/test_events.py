"""Orders move stock exactly once, whatever is delivered how often; stores open and close their shops."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from meshkit.ids import new_id
from services.catalog.stock.data import inventory
from services.catalog.stock.data.inventory import StockBusy
from services.catalog.stock.domain.stock import Cause, Movement, MovementKind
from tests.catalog.shop import Checkout, Shop


class TestOrderCreated:
    def test_makes_reservations_durable(self, shop: Shop) -> None:
        checkout = _reserved(shop, 3)

        shop.mesh.deliver("catalog", checkout.created())

        rows = shop.mesh.rows("catalog", "SELECT * FROM reservations WHERE order_id = :id", id=checkout.order_id)
        assert [(row.state, row.expires_at) for row in rows] == [("reserved", None)]

    def test_releases_lines_that_the_order_rejected(self, shop: Shop) -> None:
        product = shop.product()
        checkout = Checkout.of((product, 3), (product, 2))
        shop.reserve(checkout)

        shop.mesh.deliver("catalog", checkout.created(["rejected", "pending"]))

        assert shop.states(checkout) == ["released", "reserved"]
        assert shop.inventory(product) == (8, 2, 0, 10)

    def test_reserves_again_what_had_expired(self, shop: Shop) -> None:
        checkout = _reserved(shop, 3, expires_in_s=60)
        _expire(shop)

        shop.mesh.deliver("catalog", checkout.created())
        _expire(shop)

        assert shop.states(checkout) == ["reserved"]
        assert shop.inventory(checkout.lines[0][1]) == (7, 3, 0, 10)

    def test_shows_a_line_for_which_nothing_is_left(self, shop: Shop) -> None:
        checkout = _reserved(shop, 8, expires_in_s=60)
        _expire(shop)
        shop.reserve(Checkout.of((checkout.lines[0][1], 5)))

        with capture_logs() as logs:
            shop.mesh.deliver("catalog", checkout.created())

        assert shop.states(checkout) == ["expired"]
        errors = [entry for entry in logs if entry["log_level"] == "error"]
        assert [(entry["event"], entry["line_id"]) for entry in errors] == [
            ("catalog.line_without_stock", str(checkout.lines[0][0]))
        ]

    def test_shows_a_line_nobody_reserved(self, shop: Shop) -> None:
        with capture_logs() as logs:
            shop.mesh.deliver("catalog", Checkout.of((shop.product(), 1)).created())

        assert [entry["state"] for entry in logs if entry["log_level"] == "error"] == ["unknown"]

    @pytest.mark.parametrize("count", [1, 2, 12])
    def test_many_cost_one_statement_beside_the_inbox(self, shop: Shop, count: int) -> None:
        checkouts = [_reserved(shop, 1, 2) for _ in range(count)]

        with shop.statements() as statements:
            shop.mesh.deliver_together("catalog", [checkout.created() for checkout in checkouts])

        assert len([statement for statement in statements if "inbox" not in statement]) == 1
        assert _still_passing(shop, checkouts) == 0


class TestOrderChanges:
    @pytest.mark.parametrize("times", [1, 2])
    def test_a_rejected_line_goes_back_once(self, shop: Shop, times: int) -> None:
        product = shop.product()
        checkout = Checkout.of((product, 3), (product, 2))
        shop.reserve(checkout)
        shop.mesh.deliver("catalog", checkout.created())

        for _ in range(times):
            shop.mesh.deliver("catalog", checkout.decided("partially_accepted", ["rejected", "accepted"]))

        assert shop.states(checkout) == ["released", "reserved"]
        assert shop.inventory(product) == (8, 2, 0, 10)
        assert shop.released_lines(checkout) == [(str(checkout.lines[0][0]), "released")]

    def test_a_cancellation_gives_back_only_what_is_still_held(self, shop: Shop) -> None:
        product = shop.product()
        checkout = Checkout.of((product, 3), (product, 2))
        shop.reserve(checkout)
        shop.mesh.deliver("catalog", checkout.decided("partially_accepted", ["rejected", "accepted"]))

        shop.mesh.deliver("catalog", checkout.canceled())

        assert shop.inventory(product) == (10, 0, 0, 10)
        assert len(shop.released_lines(checkout)) == 2

    @pytest.mark.parametrize("status", ["rejected", "expired", "canceled"])
    def test_a_dead_order_holds_nothing(self, shop: Shop, status: str) -> None:
        checkout = _reserved(shop, 4)

        shop.mesh.deliver("catalog", checkout.changed(status))

        assert shop.states(checkout) == ["released"]
        assert shop.inventory(checkout.lines[0][1]) == (10, 0, 0, 10)

    def test_a_delivery_consumes_what_was_delivered_once(self, shop: Shop) -> None:
        product = shop.product()
        checkout = Checkout.of((product, 3), (product, 2))
        shop.reserve(checkout)

        for status in ("delivered", "delivered", "closed"):
            shop.mesh.deliver("catalog", checkout.changed(status, ["fulfilled", "rejected"]))

        assert shop.states(checkout) == ["consumed", "released"]
        assert shop.inventory(product) == (7, 0, 3, 10)

    def test_old_news_move_nothing(self, shop: Shop) -> None:
        checkout = _reserved(shop, 4)
        shop.mesh.deliver("catalog", checkout.canceled())

        for event in (checkout.created(), checkout.decided("accepted", ["accepted"]), checkout.changed("delivered")):
            shop.mesh.deliver("catalog", event)

        assert shop.states(checkout) == ["released"]

    def test_a_dead_order_is_never_revived(self, shop: Shop) -> None:
        checkout = _reserved(shop, 4, expires_in_s=60)
        _expire(shop)

        for event in (checkout.canceled(), checkout.created()):
            shop.mesh.deliver("catalog", event)

        assert shop.states(checkout) == ["released"]
        assert shop.inventory(checkout.lines[0][1]) == (10, 0, 0, 10)

    def test_the_same_event_is_handled_once(self, shop: Shop) -> None:
        checkout = _reserved(shop, 4)
        event_id = uuid.uuid4()

        for _ in range(2):
            shop.mesh.deliver("catalog", checkout.canceled(), event_id=event_id)

        assert len(shop.released_lines(checkout)) == 1

    def test_stock_adds_up_when_orders_and_checkouts_race(self, shop: Shop) -> None:
        products = [shop.product(available=1000) for _ in range(3)]
        checkouts = [
            Checkout.of(*((product, 1) for product in products[i % 3 :] + products[: i % 3])) for i in range(24)
        ]

        def live(checkout: Checkout) -> None:
            shop.reserve(checkout)
            shop.mesh.deliver("catalog", checkout.created())
            end = checkout.canceled() if checkout.order_id.int % 2 else checkout.changed("delivered")
            shop.mesh.deliver("catalog", end)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(live, checkouts))

        consumed = sum(checkout.order_id.int % 2 == 0 for checkout in checkouts)
        assert [shop.inventory(product) for product in products] == [(1000 - consumed, 0, consumed, 1000)] * 3


class TestBatchOfOrders:
    """A batch of events is one transaction; it must not wait for stock while it holds other stock."""

    def test_gives_up_instead_of_waiting_for_stock_while_it_holds_some(self, shop: Shop) -> None:
        first, second = shop.product(), shop.product()

        with shop.mesh.transaction("catalog") as other:
            inventory.lock(other, {second})
            with shop.mesh.transaction("catalog") as batch:
                inventory.lock(batch, {first})
                with pytest.raises(StockBusy):
                    inventory.lock(batch, {second})

    def test_takes_more_stock_when_nobody_holds_it(self, shop: Shop) -> None:
        first, second = shop.product(), shop.product()

        with shop.mesh.transaction("catalog") as batch:
            held = [inventory.lock(batch, {first}), inventory.lock(batch, {first, second})]

        assert [set(stock) for stock in held] == [{first}, {first, second}]

    def test_one_order_takes_all_its_stock_at_once(self, shop: Shop) -> None:
        checkout = Checkout.of((shop.product(), 1), (shop.product(), 2))
        shop.reserve(checkout)
        (_, rejected, _), (_, delivered, _) = checkout.lines

        with ThreadPoolExecutor(1) as pool:
            with shop.mesh.transaction("catalog") as holder:
                inventory.lock(holder, {rejected, delivered})
                event = checkout.changed("delivered", ["rejected", "fulfilled"])
                delivery = pool.submit(shop.mesh.deliver, "catalog", event)
                shop.wait_for_a_waiter()
            delivery.result(5)

        assert shop.states(checkout) == ["released", "consumed"]
        assert (shop.inventory(rejected), shop.inventory(delivered)) == ((10, 0, 0, 10), (8, 0, 2, 10))

    def test_waits_when_it_holds_none(self, shop: Shop) -> None:
        product = shop.product()
        waiting = threading.Event()

        def take() -> int:
            with shop.mesh.transaction("catalog") as tx:
                waiting.set()
                return inventory.lock(tx, {product})[product].available_qty

        with ThreadPoolExecutor(1) as pool:
            with shop.mesh.transaction("catalog") as holder:
                inventory.lock(holder, {product})
                taken = pool.submit(take)
                assert waiting.wait(5)
                inventory.move(holder, [Movement(new_id(), product, MovementKind.SET, -7, 0)], cause=Cause.VENDOR)
            assert taken.result(5) == 3

    def test_orders_with_more_to_do_are_followed_and_the_others_kept(self, shop: Shop) -> None:
        product = shop.product(available=100)
        expired = _reserved(shop, 3, expires_in_s=60)
        _expire(shop)
        plain, rejecting = Checkout.of((product, 1)), Checkout.of((product, 2), (product, 3))
        for checkout in (plain, rejecting):
            shop.reserve(checkout)
        events = [plain.created(), expired.created(), rejecting.created(["rejected", "pending"])]

        shop.mesh.deliver_together("catalog", events)

        states = [shop.states(checkout) for checkout in (plain, expired, rejecting)]
        assert states == [["reserved"], ["reserved"], ["released", "reserved"]]
        assert _still_passing(shop, [plain, expired, rejecting]) == 0
        assert shop.inventory(product) == (96, 4, 0, 100)

    def test_a_line_that_was_refused_needs_nothing(self, shop: Shop) -> None:
        product = shop.product(available=5)
        checkouts = [Checkout.of((product, 1), (product, 50)) for _ in range(2)]
        for checkout in checkouts:
            shop.reserve(checkout)

        with shop.statements() as statements:
            events = [checkout.created(["pending", "rejected"]) for checkout in checkouts]
            shop.mesh.deliver_together("catalog", events)

        assert len([statement for statement in statements if "inbox" not in statement]) == 1
        assert [shop.states(checkout) for checkout in checkouts] == [["reserved", "refused"]] * 2

    def test_an_order_that_needs_stock_does_not_wait_for_it_inside_a_batch(self, shop: Shop) -> None:
        expired = _reserved(shop, 3, expires_in_s=60)
        _expire(shop)
        plain = _reserved(shop, 1)

        with shop.mesh.transaction("catalog") as other:
            inventory.lock(other, {expired.lines[0][1]})
            with pytest.raises(StockBusy):
                shop.mesh.deliver_together("catalog", [plain.created(), expired.created()])

        assert (shop.states(plain), _still_passing(shop, [plain])) == (["reserved"], 1)


class TestStoreGateChanged:
    def test_opens_and_closes_the_shop(self, shop: Shop) -> None:
        shop.product(title="Blue Dream")

        seen = [shop.listed()]
        for version, active in ((2, False), (3, True)):
            shop.gate(shop.vendor_id, version=version, subscription_active=active)
            seen.append(shop.listed())

        assert seen == [["Blue Dream"], [], ["Blue Dream"]]

    def test_ignores_older_news(self, shop: Shop) -> None:
        shop.gate(shop.vendor_id, version=5, kyc_status="suspended")

        shop.gate(shop.vendor_id, version=4)

        row = shop.mesh.rows("catalog", "SELECT * FROM store_gates WHERE store_id = :id", id=shop.vendor_id)[0]
        assert (row.version, row.kyc_status) == (5, "suspended")


def _reserved(shop: Shop, *quantities: int, expires_in_s: int = 900) -> Checkout:
    product = shop.product()
    checkout = Checkout.of(*((product, quantity) for quantity in quantities))
    shop.reserve(checkout, expires_in_s=expires_in_s)
    return checkout


def _still_passing(shop: Shop, checkouts: list[Checkout]) -> int:
    """Return how many of the checkouts' lines would still expire."""
    sql = "SELECT 1 FROM reservations WHERE group_id = ANY(:ids) AND state = 'reserved' AND expires_at IS NOT NULL"
    return len(shop.mesh.rows("catalog", sql, ids=[checkout.group_id for checkout in checkouts]))


def _expire(shop: Shop) -> None:
    shop.mesh.clock.advance(timedelta(minutes=2))
    shop.expire()
