"""How the operator's commands reach the mesh: the environment if it is set, else the stack of this checkout."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

from deploy.dev import environment, keys
from deploy.dev.running import ports_in_use
from deploy.dev.state import State, is_running
from meshkit.settings import MeshSettings

if TYPE_CHECKING:
    from meshkit.db.tx import Transactions

STATE_FOLDER = environment.REPOSITORY / ".marketmesh"
STATE_VARIABLE = "MARKETMESH_STATE_DIR"
START = "start one with `make run`, or set the services' environment"


class NoStack(Exception):
    """There is neither an environment nor a stack to work on."""


def state_folder() -> pathlib.Path:
    """Return where the stack that the commands mean keeps its state."""
    return pathlib.Path(os.environ.get(STATE_VARIABLE) or STATE_FOLDER)


def set_by_operator() -> bool:
    """Return whether the environment says where the mesh is."""
    return "IDENTITY_DATABASE_URL" in os.environ


def need_running_stack() -> None:
    """Raise NoStack when the commands mean the stack of this checkout and it does not run."""
    folder = state_folder()
    if not set_by_operator() and not is_running(folder):
        raise NoStack(f"not running: no stack runs with the state in {folder}; {START}")


def use_environment() -> None:
    """Fill the process's environment from the embedded stack's state, unless an operator has set it.

    The ports are those of the stack that runs, whatever this shell says. Raises NoStack when there is nothing to fill
    it from.
    """
    if set_by_operator():
        return
    addresses, key_files = stack_of_state()
    os.environ.update(
        environment.command_line(
            addresses=addresses, key_files=key_files, demo_logins=state_folder() / "demo_logins.json"
        )
    )
    os.environ.setdefault("MESH_PUBLIC_URL", addresses.url("gateway"))


def stack_of_state() -> tuple[environment.Addresses, dict[str, pathlib.Path]]:
    """Return the addresses and key files of the stack of the state folder. Raises NoStack, StateUnusable, BadPort."""
    folder = state_folder()
    if not (folder / "secrets.json").exists():
        raise NoStack(f"no stack has run in {folder}: {START}")
    state = State(folder)
    addresses = environment.Addresses(ports=ports_in_use(folder), passwords=keys.ensure_passwords(state))
    return addresses, keys.key_files(state)


def refuse_real_people(what: str) -> None:
    """Refuse to create people with well-known passwords on a mesh that serves real ones. Raises NoStack."""
    environment_of_mesh = MeshSettings().environment
    if not environment_of_mesh.is_for_trial:
        raise NoStack(f"{what} makes people whose passwords everybody knows; MESH_ENVIRONMENT is {environment_of_mesh}")


def database_url(service: str, *, kind: str = "") -> str:
    """Return the address of a service's database; `kind` MIGRATION_ is its owner's. Raises NoStack naming the variable."""
    variable = f"{service.upper()}_{kind}DATABASE_URL"
    try:
        return os.environ[variable]
    except KeyError:
        raise NoStack(f"{variable} is not set: without it the database of {service} cannot be reached") from None


def transactions_of(service: str) -> Transactions:
    """Return transactions on a service's database, as its runtime role."""
    # Here, because `doctor` has no time for importing it.
    from meshkit.clock import SystemClock
    from meshkit.db.engine import Database
    from meshkit.db.tx import Transactions

    return Transactions(database=Database(database_url(service), pool_size=2), clock=SystemClock(), source=service)
