"""Capabilities form no circle: what counts as an import and what does not."""

from __future__ import annotations

import pytest
from grimp import ImportGraph

from scripts.capability_walls import CapabilityCircles

CHECKOUT, ORDERS, CART = (f"services.shop.{name}" for name in ("checkout", "orders", "cart"))


def circle(*imports: tuple[str, str]) -> list[tuple[str, str]]:
    graph = ImportGraph()
    for importer, imported in imports:
        for module in (importer, imported):
            graph.add_module(module)
        graph.add_import(importer=importer, imported=imported)
    result = CapabilityCircles("circles", {}, {}).check(graph, verbose=False)
    assert result.kept == (not result.metadata["broken"])
    return result.metadata["broken"]  # type: ignore[no-any-return]


class TestCapabilityCircles:
    @pytest.mark.parametrize("room", ["usecases.place", "flows.place", "jobs.sweep", "events", "data.orders"])
    def test_two_that_ask_each_other_are_named(self, room: str) -> None:
        forth, back = (
            (f"{CHECKOUT}.usecases.begin", f"{ORDERS}.usecases.place"),
            (f"{ORDERS}.{room}", f"{CHECKOUT}.flows.pay"),
        )

        assert circle(forth, back) == sorted([forth, back])

    def test_three_in_a_ring_are_named_and_who_only_looks_on_is_not(self) -> None:
        ring = [
            (f"{CART}.usecases.buy", f"{CHECKOUT}.usecases.begin"),
            (f"{CHECKOUT}.usecases.begin", f"{ORDERS}.usecases.place"),
            (f"{ORDERS}.usecases.place", f"{CART}.usecases.clear"),
        ]
        aside = ("services.shop.gates.usecases.follow", f"{CART}.usecases.clear")

        assert circle(*ring, aside) == ring

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

        assert circle(forth, (importer, imported)) == []
