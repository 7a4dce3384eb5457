"""The Pub/Sub topology: topics come from the event contracts, subscriptions from the services' consumers.

Declared nowhere else. Applying it creates what is missing and leaves what is there.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from google.api_core.exceptions import AlreadyExists

from deploy.cli.contracts import event_messages, services_present
from meshkit.events.bus import Bus
from meshkit.events.envelope import spec_of
from meshkit.settings import MeshSettings

if TYPE_CHECKING:
    from meshkit.events.registry import Consumer

app = typer.Typer(help="The Pub/Sub topics and subscriptions.", no_args_is_help=True)

# The object store writes here; it is not an event of ours.
OBJECT_NOTICES = "media.object.v1"
DEAD_LETTERS = "mesh.dead-letter.v1"
# Our own dead-letter table takes a message after 10 failures; the bus's own dead letter is the net below.
_BUS_ATTEMPTS = 50
# What a killed consumer had in hand is delivered again after this long; a batch takes far less.
_ACK_SECONDS = 10
_RETENTION_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Topology:
    """What should exist."""

    topics: tuple[str, ...]
    consumers: tuple[Consumer, ...]


def declared() -> Topology:
    """Return the topology that contracts and consumers declare. Raises LookupError for a consumer without topic."""
    topics = {spec_of(message).topic for message in event_messages()} | {OBJECT_NOTICES, DEAD_LETTERS}
    consumers = []
    for service in services_present():
        module = importlib.import_module(f"services.{service}.events.handlers")
        consumers += module.consumers()
    for consumer in consumers:
        if consumer.topic not in topics:
            raise LookupError(f"{consumer.subscription}: nobody publishes on {consumer.topic}")
    return Topology(tuple(sorted(topics)), tuple(consumers))


@app.command()
def apply() -> None:
    """Create what is missing."""
    mesh = MeshSettings()
    bus = Bus(project=mesh.pubsub_project)
    topology = declared()
    created = sum(_create_topic(bus, topic) for topic in topology.topics)
    created += sum(_create_subscription(bus, consumer) for consumer in topology.consumers)
    typer.echo(f"topology: {len(topology.topics)} topics, {len(topology.consumers)} subscriptions, {created} created")


@app.command()
def show() -> None:
    """Print what is declared."""
    topology = declared()
    for topic in topology.topics:
        typer.echo(topic)
        for consumer in topology.consumers:
            if consumer.topic == topic:
                typer.echo(f"  {consumer.subscription}  {', '.join(consumer.types)}")


def _create_topic(bus: Bus, topic: str) -> bool:
    try:
        bus.publisher.create_topic(request={"name": bus.topic_path(topic)}, timeout=10)
    except AlreadyExists:
        return False
    return True


def _filter(consumer: Consumer) -> str:
    """Return the filter that lets only the wanted types through; what slips by is ignored by the consumer.

    A subscription's filter can never change: a consumer that wants another type needs its subscription made anew.
    """
    if consumer.topic == OBJECT_NOTICES:
        return ""
    return " OR ".join(f'attributes."ce-type" = "{event_type}"' for event_type in consumer.types)


def _create_subscription(bus: Bus, consumer: Consumer) -> bool:
    request = {
        "name": bus.subscription_path(consumer.subscription),
        "topic": bus.topic_path(consumer.topic),
        "ack_deadline_seconds": _ACK_SECONDS,
        "enable_message_ordering": True,
        "filter": _filter(consumer),
        "message_retention_duration": {"seconds": _RETENTION_SECONDS},
        "retry_policy": {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 60}},
        "dead_letter_policy": {
            "dead_letter_topic": bus.topic_path(DEAD_LETTERS),
            "max_delivery_attempts": _BUS_ATTEMPTS,
        },
    }
    try:
        bus.subscriber.create_subscription(request=request, timeout=10)
    except AlreadyExists:
        return False
    return True
