"""Short cuts to orders whose money stands in each state."""

from __future__ import annotations

import pytest

from tests.finance.payments import Payments
from tests.support.mesh_harness import MeshHarness


@pytest.fixture
def payments(mesh: MeshHarness) -> Payments:
    """Return what commerce, agents and administrators do with finance."""
    return Payments(mesh)
