"""Short cuts to orders whose money stands in each state."""

from __future__ import annotations

import pytest

from tests.finance.books import Books
from tests.finance.cash_desk import CashDesk
from tests.finance.paid_orders import Payments
from tests.support.mesh_harness import MeshHarness


@pytest.fixture
def payments(mesh: MeshHarness) -> Payments:
    """Return what commerce, agents and administrators do with finance."""
    return Payments(mesh)


@pytest.fixture
def books(mesh: MeshHarness) -> Books:
    """Return what other services and administrators do with the ledger."""
    return Books(mesh)


@pytest.fixture
def desk(mesh: MeshHarness, payments: Payments) -> CashDesk:
    """Return what agents and administrators do with cash."""
    return CashDesk(mesh, payments)
