"""`marketmesh topology`: the Pub/Sub topics and subscriptions, as declared and as they are."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import typer
from google.api_core.exceptions import GoogleAPIError

from deploy.tools.connection import NoStack, use_environment
from deploy.tools.topology import Settled, create_topics, declared, different, settle
from meshkit.events.bus import Bus
from meshkit.settings import MeshSettings

if TYPE_CHECKING:
    from meshkit.events.registry import Consumer

app = typer.Typer(help="The Pub/Sub topics and subscriptions.", no_args_is_help=True)


@app.command()
def apply() -> None:
    """Create what is missing and change what differs; a filter cannot change, so its subscription is made anew.

    No event is lost by that. Run it once at a time.
    """
    bus = _bus()
    topology = declared()
    done = Counter({"created": create_topics(bus, topology)})
    for settled in settle(bus, topology):
        _tell(settled)
        done[settled.done] += 1
    changed = "".join(f", {done[word]} {word}" for word in ("updated", "made anew") if done[word])
    typer.echo(
        f"topology: {len(topology.topics)} topics, {len(topology.consumers)} subscriptions,"
        f" {done['created']} created{changed}"
    )
    if done["left"]:
        raise typer.Exit(1)


@app.command()
def show() -> None:
    """Print what is declared, and below each subscription how the bus differs."""
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


def _bus() -> Bus:
    if not os.environ.keys() & {"PUBSUB_EMULATOR_HOST", "MESH_PUBSUB_PROJECT"}:
        use_environment()
    return Bus(project=MeshSettings().pubsub_project)


def _tell(settled: Settled) -> None:
    for difference in settled.differences:
        typer.echo(f"topology: {settled.subscription}: {difference}")
    if settled.done == "left":
        typer.echo(
            f"topology: {settled.subscription}: left as it is, because its events could not be kept:"
            f" {settled.problem}\n"
            "          Let its consumer finish, delete the subscription, and apply again.",
            err=True,
        )
    elif settled.done in {"updated", "made anew"}:
        typer.echo(f"topology: {settled.subscription}: {settled.done}")
