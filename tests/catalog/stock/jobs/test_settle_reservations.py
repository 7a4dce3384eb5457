"""Stock past its time stays with the orders that bought it; the rest comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import DependencyUnavailable
from services.catalog.stock.data import inventory
from services.catalog.stock.jobs.settle_reservations import ReservationSweep
from tests.catalog.shop import Checkout, Shop

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from meshkit.call import Call


class TestReservationSweep:
    def test_gives_back_what_is_past_its_time_and_keeps_the_rest(self, shop: Shop) -> None:
        product = shop.product(available=10)
        short, long = Checkout.of((product, 3)), Checkout.of((product, 2))
        shop.reserve(short, expires_in_s=60)
        shop.reserve(long, expires_in_s=3600)
        shop.mesh.clock.advance(timedelta(seconds=61))

        shop.expire()

        assert (shop.states(short), shop.states(long)) == (["expired"], ["reserved"])
        assert shop.inventory(product) == (8, 2, 0, 10)
        assert shop.released_lines(short) == [(str(short.lines[0][0]), "expired")]

    def test_does_it_once(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 3))
        shop.reserve(checkout, expires_in_s=60)
        shop.mesh.clock.advance(timedelta(minutes=2))

        for _ in range(2):
            shop.expire()

        assert shop.inventory(product) == (10, 0, 0, 10)
        assert len(shop.released_lines(checkout)) == 1

    def test_leaves_confirmed_reservations_alone(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 3))
        shop.reserve(checkout, expires_in_s=60)
        shop.mesh.deliver("catalog", checkout.created())
        shop.mesh.clock.advance(timedelta(days=30))

        shop.expire()

        assert shop.states(checkout) == ["reserved"]

    def test_does_not_wait_for_stock_in_use(self, shop: Shop) -> None:
        busy, free = shop.product(), shop.product()
        checkouts = [Checkout.of((busy, 1)), Checkout.of((free, 1))]
        for checkout in checkouts:
            shop.reserve(checkout, expires_in_s=60)
        shop.mesh.clock.advance(timedelta(minutes=2))

        with shop.mesh.transaction("catalog") as tx:
            inventory.lock(tx, {busy})
            shop.expire()

        assert [shop.states(checkout) for checkout in checkouts] == [["reserved"], ["expired"]]
        shop.expire()
        assert shop.states(checkouts[0]) == ["expired"]

    def test_keeps_what_was_bought_although_nobody_has_told_yet(self, shop: Shop) -> None:
        product = shop.product(available=10)
        bought, lost = Checkout.of((product, 3)), Checkout.of((product, 2))
        for checkout in (bought, lost):
            shop.reserve(checkout, expires_in_s=60)
        shop.mesh.clock.advance(timedelta(days=1))

        shop.expire(bought={bought.group_id})

        assert (shop.states(bought), shop.states(lost)) == (["reserved"], ["expired"])
        assert shop.inventory(product) == (7, 3, 0, 10)
        shop.mesh.clock.advance(timedelta(days=1))
        shop.expire()
        assert shop.states(bought) == ["reserved"]

    def test_gives_nothing_back_while_commerce_is_away(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 3))
        shop.reserve(checkout, expires_in_s=60)
        shop.mesh.clock.advance(timedelta(days=1))
        sweep = ReservationSweep(shop.mesh.process("catalog").transactions, Away(), 60)

        with pytest.raises(DependencyUnavailable):
            sweep.settle_due()

        assert shop.states(checkout) == ["reserved"]
        assert shop.inventory(product) == (7, 3, 0, 10)


class Away:
    """Commerce that does not answer."""

    def settle(self, call: Call, group_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        raise DependencyUnavailable("Commerce is away.", dependency="commerce")
