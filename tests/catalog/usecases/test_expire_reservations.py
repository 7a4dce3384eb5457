"""Stock that no order confirms comes back."""

from __future__ import annotations

from datetime import timedelta

from services.catalog.data import inventory
from services.catalog.usecases.expire_reservations import expire_reservations
from tests.catalog.shop import Checkout, Shop


class TestExpireReservations:
    def test_gives_back_what_is_past_its_time_and_keeps_the_rest(self, shop: Shop) -> None:
        product = shop.product(available=10)
        short, long = Checkout.of((product, 3)), Checkout.of((product, 2))
        shop.reserve(short, expires_in_s=60)
        shop.reserve(long, expires_in_s=3600)
        shop.mesh.clock.advance(timedelta(seconds=61))

        _expire(shop)

        assert (shop.states(short), shop.states(long)) == (["expired"], ["reserved"])
        assert shop.inventory(product) == (8, 2, 0, 10)
        assert shop.released_lines(short) == [(str(short.lines[0][0]), "expired")]

    def test_does_it_once(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 3))
        shop.reserve(checkout, expires_in_s=60)
        shop.mesh.clock.advance(timedelta(minutes=2))

        for _ in range(2):
            _expire(shop)

        assert shop.inventory(product) == (10, 0, 0, 10)
        assert len(shop.released_lines(checkout)) == 1

    def test_leaves_confirmed_reservations_alone(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 3))
        shop.reserve(checkout, expires_in_s=60)
        shop.mesh.deliver("catalog", checkout.created())
        shop.mesh.clock.advance(timedelta(days=30))

        _expire(shop)

        assert shop.states(checkout) == ["reserved"]

    def test_does_not_wait_for_stock_in_use(self, shop: Shop) -> None:
        busy, free = shop.product(), shop.product()
        checkouts = [Checkout.of((busy, 1)), Checkout.of((free, 1))]
        for checkout in checkouts:
            shop.reserve(checkout, expires_in_s=60)
        shop.mesh.clock.advance(timedelta(minutes=2))

        with shop.mesh.transaction("catalog") as tx:
            inventory.lock(tx, {busy})
            _expire(shop)

        assert [shop.states(checkout) for checkout in checkouts] == [["reserved"], ["expired"]]
        _expire(shop)
        assert shop.states(checkouts[0]) == ["expired"]


def _expire(shop: Shop) -> int:
    with shop.mesh.transaction("catalog") as tx:
        return expire_reservations(tx)
