"""Agents with deliveries, and the services around fulfillment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fulfillment.deliveries import Deliveries
from tests.fulfillment.neighbours import Neighbours, neighbours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mesh_harness import MeshHarness


@pytest.fixture(scope="module")
def around(session_mesh: MeshHarness) -> Iterator[Neighbours]:
    """Run commerce, finance and media as fakes. The real ones, if another module of this process started them, make room."""
    for name in ("commerce", "finance", "media"):
        if name in session_mesh._running:
            session_mesh.stop(name)
    yield from neighbours(session_mesh)


@pytest.fixture
def deliveries(mesh: MeshHarness) -> Deliveries:
    """Return what is done with deliveries; every test begins without agents."""
    return Deliveries(mesh)
