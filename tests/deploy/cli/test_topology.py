"""`marketmesh topology` on our own Pub/Sub server: what is not as declared is shown, mended, and costs no event."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.dev.stack import embedded
from deploy.tools import subscriptions
from deploy.tools.topology import declared
from meshkit.events.bus import Bus, Outgoing, Received

CONSUMER = next(consumer for consumer in declared().consumers if consumer.types == ["agent_created"])
OTHERS = 'attributes."ce-type" = "agent_created" OR attributes."ce-type" = "agent_retired"'


@pytest.fixture(scope="module")
def pubsub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded(parts={"pubsub"}, state_dir=tmp_path_factory.mktemp("pubsub")) as stack:
        yield stack.addresses.of("pubsub")


@pytest.fixture
def bus(pubsub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """Return a project of its own in which the whole topology has been applied."""
    project = f"test-{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub)
    monkeypatch.setenv("MESH_PUBSUB_PROJECT", project)
    monkeypatch.setenv("MESH_ENVIRONMENT", "test")
    monkeypatch.setenv("MESH_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("MESH_PUBLIC_URL", "https://market.example")
    for name in ("MESH_SERVICE_KEY_FILE", "MESH_SERVICE_KEYS_FOLDER", "MESH_DIGEST_KEY_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "unused"))
    topology("apply")
    return Bus(project=project)


def topology(command: str, *, exit_code: int = 0) -> str:
    result: Result = CliRunner().invoke(app, ["topology", command])
    assert result.exit_code == exit_code, result.output
    return result.output


class Line:
    """The subscription of the chosen consumer, and what travels through it."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.path = bus.subscription_path(CONSUMER.subscription)
        self.wanted = subscriptions.declared(bus, CONSUMER)

    def delete(self) -> None:
        self.bus.subscriber.delete_subscription(request={"subscription": self.path})

    def replace(self, **settings: Any) -> None:
        """Put a subscription with other settings in the place of the declared one."""
        self.delete()
        changed = subscriptions.declared(self.bus, CONSUMER)
        for name, value in settings.items():
            setattr(changed, name, value)
        self.bus.subscriber.create_subscription(request=changed)

    def snapshot(self) -> None:
        path = subscriptions.snapshot_path(self.bus, CONSUMER)
        self.bus.subscriber.create_snapshot(request={"name": path, "subscription": self.path})

    def publish(self, *words: str, event_type: str = "agent_created") -> None:
        for word in words:
            self.bus.publish(topic=CONSUMER.topic, messages=[Outgoing(word.encode(), {"ce-type": event_type}, word)])

    def pull(self, count: int) -> list[Received]:
        """Pull until so many messages have come, and hold them."""
        held: list[Received] = []
        while len(held) < count:
            pulled = self.bus.pull(subscription=CONSUMER.subscription, limit=count - len(held), timeout_s=5)
            assert pulled, f"only {[one.data for one in held]} came"
            held += pulled
        return held

    def waiting(self, count: int) -> list[str]:
        """Return what waits: `count` messages and no more."""
        words = sorted(one.data.decode() for one in self.pull(count))
        assert self.bus.pull(subscription=CONSUMER.subscription, limit=1, timeout_s=0.5) == []
        return words

    def is_as_declared(self) -> bool:
        actual = self.bus.subscriber.get_subscription(request={"subscription": self.path})
        return subscriptions.differences(actual, self.wanted) == []


@pytest.fixture
def line(bus: Bus) -> Line:
    return Line(bus)


class TestShow:
    def test_says_nothing_more_of_what_is_as_declared(self, line: Line) -> None:
        assert f"  {CONSUMER.subscription}  agent_created\n" in topology("show")
        assert "differ" not in topology("show")

    def test_shows_what_differs(self, line: Line) -> None:
        line.replace(filter=OTHERS, ack_deadline_seconds=20)

        shown = topology("show")

        assert f'filter: is {OTHERS}, declared attributes."ce-type" = "agent_created"' in shown
        assert "ack_deadline_seconds: is 20, declared 10" in shown
        assert "1 subscriptions differ" in shown

    def test_shows_what_is_missing(self, line: Line) -> None:
        line.delete()

        assert f"{CONSUMER.subscription}  agent_created\n    missing\n" in topology("show")

    def test_needs_no_bus_for_what_is_declared(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")

        shown = topology("show")

        assert f"  {CONSUMER.subscription}  agent_created\n" in shown
        assert "not compared with the bus" in shown


class TestApply:
    def test_changes_nothing_that_is_as_declared(self, line: Line) -> None:
        line.publish("waits")

        assert topology("apply").endswith(" subscriptions, 0 created\n")
        assert line.waiting(1) == ["waits"]

    def test_makes_a_subscription_with_another_filter_anew_and_loses_nothing(self, line: Line) -> None:
        line.replace(filter=OTHERS)
        line.publish("done")
        line.bus.acknowledge(subscription=CONSUMER.subscription, ack_ids=[one.ack_id for one in line.pull(1)])
        line.publish("held")
        line.pull(1)
        line.publish("waits")
        line.publish("unwanted", event_type="agent_retired")

        said = topology("apply")
        line.publish("later")

        assert f"{CONSUMER.subscription}: filter: is {OTHERS}, declared" in said
        assert f"{CONSUMER.subscription}: made anew" in said
        assert line.is_as_declared()
        assert line.waiting(3) == ["held", "later", "waits"]
        assert subscriptions.snapshots(line.bus) == set()

    def test_makes_a_subscription_without_order_anew(self, line: Line) -> None:
        line.replace(enable_message_ordering=False)
        line.publish("waits")

        assert "enable_message_ordering: is False, declared True" in topology("apply")

        assert line.is_as_declared()
        assert line.waiting(1) == ["waits"]

    def test_changes_other_settings_in_place(self, line: Line) -> None:
        line.replace(
            ack_deadline_seconds=20,
            message_retention_duration={"seconds": 600},
            retry_policy=None,
            dead_letter_policy={"dead_letter_topic": line.bus.topic_path(CONSUMER.topic), "max_delivery_attempts": 5},
        )
        line.publish("held")
        (held,) = line.pull(1)

        said = topology("apply")

        assert f"{CONSUMER.subscription}: updated" in said
        assert all(f"{CONSUMER.subscription}: {name}: is" in said
                   for name in ("ack_deadline_seconds", "message_retention_duration", "retry_policy",
                                "dead_letter_policy"))  # fmt: skip
        assert line.is_as_declared()
        # The lease outlived the change: it is the same subscription.
        line.bus.acknowledge(subscription=CONSUMER.subscription, ack_ids=[held.ack_id])
        assert line.waiting(0) == []

    def test_loses_nothing_when_it_dies_between_delete_and_create(self, line: Line) -> None:
        line.replace(filter=OTHERS)
        line.publish("before")
        line.snapshot()
        line.delete()
        line.publish("between")

        assert "half made anew" in topology("show")
        assert "1 made anew" in topology("apply")

        assert line.is_as_declared()
        assert line.waiting(2) == ["before", "between"]
        assert subscriptions.snapshots(line.bus) == set()

    def test_loses_nothing_when_it_dies_before_the_new_one_has_started(self, line: Line) -> None:
        line.publish("before")
        line.snapshot()
        line.replace()
        line.publish("after")

        assert "1 made anew" in topology("apply")

        assert line.waiting(2) == ["after", "before"]

    def test_loses_nothing_when_it_dies_before_it_deletes(self, line: Line) -> None:
        line.replace(filter=OTHERS)
        line.publish("before")
        line.snapshot()
        line.publish("after")

        assert "1 made anew" in topology("apply")

        assert line.is_as_declared()
        assert line.waiting(2) == ["after", "before"]

    def test_leaves_a_subscription_whose_events_it_could_not_keep(self, line: Line) -> None:
        line.publish("orphan")
        line.bus.publisher.delete_topic(request={"topic": line.bus.topic_path(CONSUMER.topic)})

        said = topology("apply", exit_code=1)

        assert f"{CONSUMER.subscription}: left as it is" in said
        assert line.waiting(1) == ["orphan"]


class TestFilters:
    def test_fit_what_google_takes(self, bus: Bus) -> None:
        filters = {
            consumer.subscription: subscriptions.declared(bus, consumer).filter for consumer in declared().consumers
        }

        assert max(len(text.encode()) for text in filters.values()) <= 256
        assert filters["identity.commerce.order.v1"] == ""
        assert filters[CONSUMER.subscription] == 'attributes."ce-type" = "agent_created"'


class TestLabels:
    """Since when a subscription gets a type; `marketmesh prove` asks for nothing older."""

    def labels(self, line: Line) -> dict[str, str]:
        return dict(line.bus.subscriber.get_subscription(request={"subscription": line.path}).labels)

    def test_of_types_that_are_no_longer_wanted_go_and_others_stay(self, line: Line) -> None:
        known = self.labels(line)
        line.replace(labels={**known, "since-agent_retired": "7", "team": "ours"})

        topology("apply")

        assert list(known) == ["since-agent_created"]
        assert self.labels(line) == {**known, "team": "ours"}

    def test_of_a_type_that_is_wanted_again_begin_again(self, line: Line) -> None:
        line.replace(filter=OTHERS, labels={"since-agent_retired": "7"})

        topology("apply")

        assert int(self.labels(line)["since-agent_created"]) > 7
        assert "since-agent_retired" not in self.labels(line)
