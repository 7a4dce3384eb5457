"""Fixtures every test may use: one real Postgres and Valkey per test process, and services on top of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from deploy.dev.stack import Embedded, embedded
from meshkit.obs.logging import configure_logging
from tests.support.mesh_harness import LIVE, MeshHarness
from tests.support.outside_calls import OutsideCalls

if TYPE_CHECKING:
    from collections.abc import Iterator


# Most deliveries in tests are not about their proof; those that are say so.
os.environ.setdefault("FULFILLMENT_PROOF_OF_DELIVERY", "none")

# How long an example takes says something about the machine, not about the code.
settings.register_profile("mesh", deadline=None)
settings.load_profile("mesh")

# As in production; the default renderer spends seconds on drawing a traceback's locals.
configure_logging(service="test", environment="test", level="WARNING")


@pytest.fixture(scope="session")
def embedded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Return a running Postgres and Valkey."""
    folder = tmp_path_factory.mktemp("stack")
    with embedded(parts={"postgres", "valkey"}, state_dir=folder) as stack:
        yield stack


@pytest.fixture(scope="session")
def session_mesh(embedded_stack: Embedded) -> Iterator[MeshHarness]:
    """Return the harness of this test process; tests use `mesh`."""
    harness = MeshHarness(embedded_stack)
    yield harness
    harness.close()


@pytest.fixture(scope="session")
def outside_calls() -> Iterator[OutsideCalls]:
    """Watch what leaves this test process while a database connection is held."""
    calls = OutsideCalls()
    with pytest.MonkeyPatch.context() as patch:
        calls.watch(patch)
        yield calls


@pytest.fixture(autouse=True)
def no_outside_call_holds_a_connection(outside_calls: OutsideCalls) -> Iterator[None]:
    """Fail the test during which a call left that held one, in whatever service."""
    outside_calls.wrong.clear()
    yield
    assert outside_calls.wrong == []


@pytest.fixture(autouse=True)
def own_events() -> None:
    """Start every test without undelivered events of earlier ones."""
    for harness in LIVE:
        harness.forget_events()


@pytest.fixture
def mesh(session_mesh: MeshHarness) -> MeshHarness:
    """Return the services under test; tests keep apart by using stores and users of their own."""
    return session_mesh
