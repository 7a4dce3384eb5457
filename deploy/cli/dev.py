"""`marketmesh dev`: the whole mesh on this machine. Reads the flags; deploy.dev.stack does the work."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Annotated

import typer

from deploy.dev import stack
from deploy.dev.ports import BadPort, Ports
from deploy.tools.connection import STATE_FOLDER, STATE_VARIABLE


def dev(
    state_dir: Annotated[
        pathlib.Path,
        typer.Option(
            envvar=STATE_VARIABLE,
            readable=False,  # a state that is not ours is told by State, which knows what to do about it
            help="Where data, logs and generated secrets are kept.",
        ),
    ] = STATE_FOLDER,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every log line of every part.")] = False,
    only: Annotated[str, typer.Option(help="Comma-separated parts to start, with what they need.")] = "",
) -> None:
    """Start Postgres, Valkey, Pub/Sub, GCS, BigQuery, mail, all services and Envoy, without Docker.

    Ports: MARKETMESH_PORT_<NAME> moves one, MARKETMESH_PORT_OFFSET all.
    """
    try:
        ports = Ports.from_environment()
    except BadPort as error:
        typer.echo(f"marketmesh dev: {error}", err=True)
        raise typer.Exit(1) from None
    names = [name.strip() for name in only.split(",") if name.strip()]
    raise typer.Exit(asyncio.run(stack.run_stack(state_dir, ports, verbose, only=names or None)))
