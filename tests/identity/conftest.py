"""Short cuts to people, stores and licences."""

from __future__ import annotations

import pytest

from tests.identity.people import People
from tests.support.mesh_harness import MeshHarness


@pytest.fixture
def people(mesh: MeshHarness) -> People:
    """Return what clients of identity do."""
    return People(mesh)
