"""`marketmesh prove` of events: only what came to a consumer can be missing at it, and a dead letter is said once."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.dev.stack import Embedded, embedded
from deploy.tools import prove, subscriptions
from deploy.tools.prove import prove_everything
from deploy.tools.topology import declared
from meshkit.events.bus import Bus
from meshkit.events.consume import ConsumerRunner
from meshkit.events.registry import Consumer
from meshkit.events.relay import Relay
from meshkit.settings import MeshSettings
from tests.support.mesh_harness import MeshHarness

# One type alone, and one of those that pass a filter of many.
CONSUMER = next(each for each in declared().consumers if each.subscription == "analytics.commerce.checkout.v1")
OTHER = next(each for each in declared().consumers if each.subscription == "analytics.commerce.order.v1")
(TYPE,) = CONSUMER.types
LONG_AGO = timedelta(days=3)

_PUBLISHED = text(
    "INSERT INTO outbox (event_id, type, version, topic, ordering_key, payload, headers, created_at, available_at,"
    " published_at) VALUES (:id, :type, 1, :topic, 'key', '', '{}', :at, :at, :at)"
)
_GIVEN_UP = text(
    "INSERT INTO inbox_dlq (consumer, event_id, type, version, topic, ordering_key, payload, headers, reason, message,"
    " attempts, failed_at, replayed_at)"
    " VALUES (:consumer, :id, :type, 1, :topic, 'key', '', '{}', 'max_attempts', 'hopeless', 10, now(), :replayed)"
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded(parts={"postgres", "valkey", "pubsub"}, state_dir=tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def services(stack: Embedded) -> Iterator[MeshHarness]:
    before = dict(os.environ)  # the harness points it to its own stack; other tests go on with theirs
    mesh = MeshHarness(stack)
    mesh.start("identity", "catalog", "commerce", "fulfillment", "finance", "media", "ads", "analytics")
    yield mesh
    mesh.close()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def mesh(services: MeshHarness, monkeypatch: pytest.MonkeyPatch) -> MeshHarness:
    """Return the services on a bus without any subscription. Other tests' events may be missing too: all are told."""
    monkeypatch.setattr(prove, "EVENTS_SHOWN", 1_000_000)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", services.stack.addresses.of("pubsub"))
    monkeypatch.setenv("MESH_PUBSUB_PROJECT", f"test-{uuid.uuid4().hex[:8]}")
    return services


def apply() -> None:
    result = CliRunner().invoke(app, ["topology", "apply"])
    assert result.exit_code == 0, result.output


def published(
    mesh: MeshHarness, *, ago: timedelta = timedelta(), event_type: str = TYPE, topic: str = "", event_id: str = ""
) -> str:
    """Note that commerce published an event, which nobody has applied."""
    event_id = event_id or str(uuid.uuid4())
    # A second later than now: a subscription counts from the next whole second on.
    at = datetime.now(UTC) + timedelta(seconds=1) - ago
    values = {"id": event_id, "type": event_type, "topic": topic or CONSUMER.topic, "at": at}
    with mesh.transaction("commerce") as tx:
        tx.execute(_PUBLISHED, values)
    return event_id


def problems_of(event_id: str) -> list[str]:
    return [problem for problem in prove_everything(settle_s=0) if event_id in problem]


class TestNeverApplied:
    def test_is_not_said_of_an_event_that_is_older_than_the_subscription(self, mesh: MeshHarness) -> None:
        apply()

        assert problems_of(published(mesh, ago=LONG_AGO)) == []

    def test_is_said_of_an_event_that_came_to_it(self, mesh: MeshHarness) -> None:
        apply()
        event_id = published(mesh)

        assert problems_of(event_id) == [f"{CONSUMER.subscription}: {TYPE} {event_id} was never applied"]

    def test_is_said_of_any_when_nothing_tells_since_when_it_subscribes(self, mesh: MeshHarness) -> None:
        event_id = published(mesh, ago=LONG_AGO)

        assert problems_of(event_id) == [f"{CONSUMER.subscription}: {TYPE} {event_id} was never applied"]

    def test_is_said_of_any_when_the_bus_does_not_answer(
        self, mesh: MeshHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
        event_id = published(mesh, ago=LONG_AGO)

        problems = prove_everything(settle_s=0)

        assert f"{CONSUMER.subscription}: {TYPE} {event_id} was never applied" in problems
        assert [each for each in problems if each.startswith("since when subscriptions exist is not known")]

    def test_is_not_said_of_a_type_that_the_filter_kept_away_till_now(self, mesh: MeshHarness) -> None:
        apply()
        old, new = OTHER.types[:2]
        bus = Bus(project=MeshSettings().pubsub_project)
        before = subscriptions.declared(bus, OTHER)
        bus.subscriber.delete_subscription(request={"subscription": before.name})
        before.filter = f'attributes."ce-type" = "{old}"'
        bus.subscriber.create_subscription(request=before)

        apply()

        (known, unknown) = (
            published(mesh, ago=LONG_AGO, event_type=each, topic=OTHER.topic) for each in (old, new)
        )  # fmt: skip
        problems = prove_everything(settle_s=0)
        assert f"{OTHER.subscription}: {old} {known} was never applied" in problems
        assert not [each for each in problems if unknown in each and each.startswith(OTHER.subscription)]

    def test_stays_known_when_the_topology_is_applied_again(self, mesh: MeshHarness) -> None:
        apply()
        event_id = published(mesh)
        apply()

        assert len(problems_of(event_id)) == 1


class TestDeadLetter:
    @pytest.mark.parametrize(("replayed", "count"), [(None, 0), (datetime.now(UTC), 1)])
    def test_that_is_open_is_not_missing_besides(
        self, mesh: MeshHarness, replayed: datetime | None, count: int
    ) -> None:
        apply()
        event_id = published(mesh)
        values = {"consumer": CONSUMER.subscription, "id": event_id, "type": TYPE, "topic": CONSUMER.topic}
        with mesh.transaction("analytics") as tx:
            tx.execute(_GIVEN_UP, {**values, "replayed": replayed})

        assert len(problems_of(event_id)) == count


class TestPutBack:
    """A hopeless event that is put back dies again where it died, and nowhere else."""

    def test_twice_is_one_dead_letter_and_given_up_it_is_none(self, mesh: MeshHarness) -> None:
        apply()
        before = Counter(prove_everything(settle_s=0))
        event_id = hopeless(mesh)
        dead = [f"analytics: dead letter {OTHER.subscription} {OTHER.types[0]}: non_retryable"]

        for _ in range(2):
            dlq("replay", event_id)
            travel(mesh)
            assert list((Counter(prove_everything(settle_s=0)) - before).elements()) == dead

        dlq("discard", event_id, "--reason", "no version 99 was ever released", "--yes")
        assert Counter(prove_everything(settle_s=0)) - before == Counter()

    def test_hides_nobody_who_did_not_apply_what_all_had_got(self, mesh: MeshHarness) -> None:
        apply()
        event_id = hopeless(mesh)
        published(mesh, event_type=OTHER.types[0], topic=OTHER.topic, event_id=event_id)
        others = problems_of(event_id)

        for _ in range(2):
            dlq("replay", event_id)
            travel(mesh)

        assert len(others) == len(readers()) - 1
        assert problems_of(event_id) == others


def hopeless(mesh: MeshHarness) -> str:
    """Leave at one consumer alone the dead letter of an event that nobody can read; returns the event's id."""
    event_id = str(uuid.uuid4())
    values = {"consumer": OTHER.subscription, "id": event_id, "type": OTHER.types[0], "topic": OTHER.topic}
    with mesh.transaction("analytics") as tx:
        tx.execute(_GIVEN_UP, {**values, "replayed": None})
        tx.execute(text("UPDATE inbox_dlq SET version = 0 WHERE event_id = :id"), {"id": event_id})
    return event_id


def travel(mesh: MeshHarness) -> None:
    """Let what commerce has to tell travel over the bus to all that read it."""
    mesh.clock.advance(max(timedelta(), datetime.now(UTC) + timedelta(seconds=1) - mesh.clock.now()))
    bus = Bus(project=MeshSettings().pubsub_project)
    Relay(mesh.process("commerce").transactions, bus).relay_once()
    for consumer in readers():
        assert ConsumerRunner(consumer, mesh.process(consumer.name).transactions, bus).consume_once() == 1


def readers() -> list[Consumer]:
    return [each for each in declared().consumers if each.topic == OTHER.topic and OTHER.types[0] in each.types]


def dlq(*words: str) -> None:
    result = CliRunner().invoke(app, ["dlq", *words])
    assert result.exit_code == 0, result.output
