"""Commerce with a catalog that can be made to fail; a mesh of its own, so that the other tests keep the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commerce.fake_catalog import FakeCatalog, mesh_around
from tests.commerce.market import Market
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.dev.stack import Embedded


@pytest.fixture(scope="session")
def commerce_mesh(embedded_stack: Embedded) -> Iterator[tuple[MeshHarness, FakeCatalog]]:
    """Return a harness whose catalog is the fake one."""
    with mesh_around("commerce", embedded_stack) as mesh:
        yield mesh


@pytest.fixture
def market(commerce_mesh: tuple[MeshHarness, FakeCatalog]) -> Iterator[Market]:
    """Return one buyer and one vendor, both allowed to trade, in a mesh where nothing fails yet."""
    mesh, catalog = commerce_mesh
    market = Market(mesh, catalog)
    yield market
    catalog.before = catalog.after = None
    # The database is shared with tests that run the real catalog.
    market.forget_events()
