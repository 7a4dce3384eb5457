"""Catalog under test: a shop per test, and the proof after each that no unit was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.catalog.stock.usecases.prove_stock import prove_stock
from tests.catalog.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mesh_harness import MeshHarness


@pytest.fixture
def shop(mesh: MeshHarness) -> Iterator[Shop]:
    """Return a vendor and a buyer who see each other; afterwards all stock must add up."""
    shop = Shop(mesh)
    shop.open()
    yield shop
    with mesh.transaction("catalog") as tx:
        assert prove_stock(tx) == []
