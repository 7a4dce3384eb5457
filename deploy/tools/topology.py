"""The Pub/Sub topology: topics come from the event contracts, subscriptions from the services' consumers.

Declared nowhere else. Applying it creates what is missing and brings subscriptions to what is declared.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api_core.exceptions import AlreadyExists

from deploy.tools import subscriptions
from deploy.tools.contracts import event_messages, services_present
from deploy.tools.subscriptions import CannotMakeAnew, Settler
from meshkit.event_spec import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.tools.subscriptions import Difference
    from meshkit.events.bus import Bus
    from meshkit.events.registry import Consumer


@dataclass(frozen=True)
class Topology:
    """What should exist."""

    topics: tuple[str, ...]
    consumers: tuple[Consumer, ...]


@dataclass(frozen=True)
class Settled:
    """What became of a subscription: `created`, `updated`, `made anew`, `left` for the problem named, empty for nothing."""

    subscription: str
    differences: tuple[Difference, ...]
    done: str
    problem: str = ""


def declared() -> Topology:
    """Return the topology that contracts and consumers declare. Raises LookupError for a consumer without topic."""
    topics = {spec_of(message).topic for message in event_messages()}
    topics |= {subscriptions.OBJECT_NOTICES, subscriptions.DEAD_LETTERS}
    consumers = []
    for service in services_present():
        for room in _event_rooms(service):
            consumers += importlib.import_module(room).consumers()
    for consumer in consumers:
        if consumer.topic not in topics:
            raise LookupError(f"{consumer.subscription}: nobody publishes on {consumer.topic}")
    return Topology(tuple(sorted(topics)), tuple(consumers))


def _event_rooms(service: str) -> list[str]:
    """Return the modules of a service's capabilities that consume events."""
    home = importlib.import_module(f"services.{service}")
    capabilities = [found.name for found in pkgutil.iter_modules(home.__path__, f"{home.__name__}.") if found.ispkg]
    rooms = [f"{capability}.events" for capability in capabilities]
    return [room for room in rooms if importlib.util.find_spec(room)]


def create_topics(bus: Bus, topology: Topology) -> int:
    """Create the topics that are missing; returns how many were."""
    return sum(_create_topic(bus, topic) for topic in topology.topics)


def settle(bus: Bus, topology: Topology) -> Iterator[Settled]:
    """Bring each subscription to what is declared, one after the other, and tell what became of it."""
    settler = Settler(bus, subscriptions.existing(bus), subscriptions.snapshots(bus))
    for consumer in topology.consumers:
        yield _settle(settler, consumer)


def different(bus: Bus, topology: Topology) -> dict[str, list[str]]:
    """Return what is not as declared, as lines to print, by the short names of the subscriptions concerned."""
    existing, snapshots = subscriptions.existing(bus), subscriptions.snapshots(bus)
    found = {}
    for consumer in topology.consumers:
        wanted = subscriptions.declared(bus, consumer)
        actual = existing.get(wanted.name)
        lines = [str(item) for item in subscriptions.differences(actual, wanted)] if actual else ["missing"]
        if subscriptions.snapshot_path(bus, consumer) in snapshots:
            lines.append("half made anew: its snapshot waits")
        if lines:
            found[consumer.subscription] = lines
    return found


def _create_topic(bus: Bus, topic: str) -> bool:
    try:
        bus.publisher.create_topic(request={"name": bus.topic_path(topic)}, timeout=10)
    except AlreadyExists:
        return False
    return True


def _settle(settler: Settler, consumer: Consumer) -> Settled:
    wanted = subscriptions.declared(settler.bus, consumer)
    actual = settler.existing.get(wanted.name)
    found = tuple(subscriptions.differences(actual, wanted)) if actual else ()
    try:
        done = settler.settle(consumer)
    except CannotMakeAnew as error:
        return Settled(consumer.subscription, found, "left", str(error))
    return Settled(consumer.subscription, found, done)
