"""How the operator's commands reach the mesh: the environment if it is set, else the stack of this checkout."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deploy.dev import environment, keys
from deploy.dev.ports import Ports
from deploy.dev.state import State
from meshkit.clock import SystemClock
from meshkit.db.engine import Database
from meshkit.db.tx import Transactions
from meshkit.settings import MeshSettings

if TYPE_CHECKING:
    import pathlib

STATE_FOLDER = environment.REPOSITORY / ".marketmesh"


class NoStack(Exception):
    """There is neither an environment nor a stack to work on."""


def use_environment(state_folder: pathlib.Path = STATE_FOLDER) -> None:
    """Fill the process's environment from the embedded stack's state, unless an operator has set it.

    Raises NoStack when there is nothing to fill it from.
    """
    if "IDENTITY_DATABASE_URL" in os.environ:
        return
    if not (state_folder / "secrets.json").exists():
        raise NoStack(
            f"no stack has run in {state_folder}: start one with `make run`, or set the services' environment"
        )
    state = State(state_folder)
    addresses = environment.Addresses(ports=Ports.from_environment(), passwords=keys.ensure_passwords(state))
    os.environ.update(
        environment.command_line(
            addresses=addresses,
            key_files=keys.ensure_key_files(state),
            demo_logins=state.folder / "demo_logins.json",
        )
    )
    os.environ.setdefault("MESH_PUBLIC_URL", addresses.url("gateway"))


def refuse_real_people(what: str) -> None:
    """Keep what makes people with well-known passwords away from a mesh that serves real ones. Raises NoStack."""
    environment_of_mesh = MeshSettings().environment
    if not environment_of_mesh.is_for_trial:
        raise NoStack(f"{what} makes people whose passwords everybody knows; MESH_ENVIRONMENT is {environment_of_mesh}")


def transactions_of(service: str) -> Transactions:
    """Return transactions on a service's database, as its runtime role."""
    url = os.environ[f"{service.upper()}_DATABASE_URL"]
    return Transactions(database=Database(url, pool_size=2), clock=SystemClock(), source=service)
