"""Capabilities form no circle: what counts as an import and what does not."""

from __future__ import annotations

import pytest
from grimp import ImportGraph

from scripts.capability_walls import CapabilityCircles

CHECKOUT, ORDERS, CART = (f"services.shop.{name}" for name in ("checkout", "orders", "cart"))


def check(*imports: tuple[str, str], not_yet: tuple[str, ...] = ()) -> dict[str, list[object]]:
    graph = ImportGraph()
    for importer, imported in imports:
        for module in (importer, imported):
            graph.add_module(module)
        graph.add_import(importer=importer, imported=imported)
    contract = CapabilityCircles("circles", {}, {"not_yet": list(not_yet)})
    result = contract.check(graph, verbose=False)
    assert result.kept == (not result.metadata["broken"] and not result.metadata["mended"])
    return result.metadata  # type: ignore[no-any-return]


class TestCapabilityCircles:
    @pytest.mark.parametrize("room", ["usecases.place", "flows.place", "jobs.sweep", "events", "data.orders"])
    def test_two_that_ask_each_other_are_named(self, room: str) -> None:
        forth, back = (
            (f"{CHECKOUT}.usecases.begin", f"{ORDERS}.usecases.place"),
            (f"{ORDERS}.{room}", f"{CHECKOUT}.flows.pay"),
        )

        assert check(forth, back)["broken"] == sorted([forth, back])

    def test_three_in_a_ring_are_named_and_who_only_looks_on_is_not(self) -> None:
        ring = [
            (f"{CART}.usecases.buy", f"{CHECKOUT}.usecases.begin"),
            (f"{CHECKOUT}.usecases.begin", f"{ORDERS}.usecases.place"),
            (f"{ORDERS}.usecases.place", f"{CART}.usecases.clear"),
        ]
        aside = ("services.shop.gates.usecases.follow", f"{CART}.usecases.clear")

        assert check(*ring, aside)["broken"] == ring

    @pytest.mark.parametrize(
        ("importer", "imported"),
        [
            (f"{ORDERS}.domain.order", f"{CHECKOUT}.usecases.begin"),
            (f"{ORDERS}.usecases.place", f"{CHECKOUT}.domain.intent"),
            (f"{ORDERS}.api.mapping", f"{CHECKOUT}.api.mapping"),
            (f"{ORDERS}.api.servicer", f"{CHECKOUT}.usecases.begin"),
            ("services.other.orders.usecases.place", f"{CHECKOUT}.usecases.begin"),
        ],
    )
    def test_values_messages_and_other_services_do_not_count(self, importer: str, imported: str) -> None:
        forth = (f"{CHECKOUT}.usecases.begin", f"{ORDERS}.usecases.place")

        assert check(forth, (importer, imported))["broken"] == []

    def test_a_service_that_is_not_yet_without_may_have_one_until_it_has_none(self) -> None:
        forth, back = (
            (f"{CHECKOUT}.flows.pay", f"{ORDERS}.flows.retry"),
            (f"{ORDERS}.flows.retry", f"{CHECKOUT}.flows.pay"),
        )

        assert check(forth, back, not_yet=("shop",)) == {"broken": [], "mended": []}
        assert check(forth, not_yet=("shop",))["mended"] == ["shop"]
