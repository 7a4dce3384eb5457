"""Fixtures of the event path: a real Pub/Sub server, a bus and a relay on a database of their own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from deploy.dev.stack import embedded
from meshkit.db.tx import Transactions
from meshkit.events.bus import Bus
from meshkit.events.relay import Relay
from tests.support.events import STORES, TOPIC
from tests.support.mesh_harness import MeshHarness


@pytest.fixture(scope="module")
def pubsub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded(parts={"pubsub"}, state_dir=tmp_path_factory.mktemp("pubsub")) as stack:
        yield stack.addresses.of("pubsub")


@pytest.fixture
def bus(pubsub: str, monkeypatch: pytest.MonkeyPatch) -> Bus:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub)
    bus = Bus(project=f"test-{uuid.uuid4().hex[:8]}")
    for topic in (TOPIC, STORES):
        bus.publisher.create_topic(request={"name": bus.topic_path(topic)})
    return bus


@pytest.fixture
def transactions(mesh: MeshHarness) -> Transactions:
    """Return transactions on ads' database: a service that emits no events of its own."""
    with mesh.as_owner("ads") as tx:
        for table in ("outbox", "outbox_dlq", "inbox", "inbox_dlq"):
            tx.execute(text(f"DELETE FROM {table}"))
    return mesh.process("ads").transactions


@pytest.fixture
def relay(transactions: Transactions, bus: Bus) -> Relay:
    return Relay(transactions, bus)
