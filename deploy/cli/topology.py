"""The Pub/Sub topology: topics come from the event contracts, subscriptions from the services' consumers.

Declared nowhere else. Applying it creates what is missing and brings subscriptions to what is declared.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from google.api_core.exceptions import AlreadyExists, GoogleAPIError

from deploy.cli import subscriptions
from deploy.cli.connection import NoStack, use_environment
from deploy.cli.contracts import event_messages, services_present
from deploy.cli.subscriptions import CannotMakeAnew, Settler
from meshkit.events.bus import Bus
from meshkit.events.envelope import spec_of
from meshkit.settings import MeshSettings

if TYPE_CHECKING:
    from meshkit.events.registry import Consumer

app = typer.Typer(help="The Pub/Sub topics and subscriptions.", no_args_is_help=True)


@dataclass(frozen=True)
class Topology:
    """What should exist."""

    topics: tuple[str, ...]
    consumers: tuple[Consumer, ...]


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


@app.command()
def apply() -> None:
    """Create what is missing and change what differs; a filter cannot change, so its subscription is made anew.

    No event is lost by that. Run it once at a time.
    """
    bus = _bus()
    topology = declared()
    created = sum(_create_topic(bus, topic) for topic in topology.topics)
    settler = Settler(bus, subscriptions.existing(bus), subscriptions.snapshots(bus))
    done = [_settle(settler, consumer) for consumer in topology.consumers]
    created += done.count("created")
    changed = "".join(f", {done.count(word)} {word}" for word in ("updated", "made anew") if word in done)
    typer.echo(
        f"topology: {len(topology.topics)} topics, {len(topology.consumers)} subscriptions, {created} created{changed}"
    )
    if "left" in done:
        raise typer.Exit(1)


@app.command()
def show() -> None:
    """Print what is declared, and below each subscription what is not so on the bus."""
    topology, differing = declared(), {}
    try:
        differing = different(_bus(), topology)
    except (NoStack, GoogleAPIError) as error:
        typer.echo(f"topology: not compared with the bus: {str(error)[:300]}", err=True)
    for topic in topology.topics:
        typer.echo(topic)
        for consumer in topology.consumers:
            if consumer.topic == topic:
                typer.echo(f"  {consumer.subscription}  {', '.join(_with_versions(consumer))}")
                for line in differing.get(consumer.subscription, ()):
                    typer.echo(f"    {line}")
    if differing:
        typer.echo(f"topology: {len(differing)} subscriptions differ; `marketmesh topology apply` mends them")


def _with_versions(consumer: Consumer) -> list[str]:
    """Return the types that a consumer wants, with their versions where it reads several."""
    found = {event_type: consumer.versions(event_type) for event_type in consumer.types}
    return [
        f"{event_type} ({', '.join(map(str, versions))})" if len(versions) > 1 else event_type
        for event_type, versions in found.items()
    ]


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


def _bus() -> Bus:
    if not os.environ.keys() & {"PUBSUB_EMULATOR_HOST", "MESH_PUBSUB_PROJECT"}:
        use_environment()
    return Bus(project=MeshSettings().pubsub_project)


def _create_topic(bus: Bus, topic: str) -> bool:
    try:
        bus.publisher.create_topic(request={"name": bus.topic_path(topic)}, timeout=10)
    except AlreadyExists:
        return False
    return True


def _settle(settler: Settler, consumer: Consumer) -> str:
    wanted = subscriptions.declared(settler.bus, consumer)
    actual = settler.existing.get(wanted.name)
    for difference in subscriptions.differences(actual, wanted) if actual else ():
        typer.echo(f"topology: {consumer.subscription}: {difference}")
    try:
        done = settler.settle(consumer)
    except CannotMakeAnew as error:
        typer.echo(
            f"topology: {consumer.subscription}: left as it is, because its events could not be kept: {error}\n"
            "          Let its consumer finish, delete the subscription, and apply again.",
            err=True,
        )
        return "left"
    if done in {"updated", "made anew"}:
        typer.echo(f"topology: {consumer.subscription}: {done}")
    return done
