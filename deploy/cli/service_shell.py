"""`marketmesh env` and `marketmesh psql`: see a service's settings, and its database as its role sees it."""

from __future__ import annotations

import os
import shutil
from typing import Annotated, Any

import psycopg
import typer

from deploy.cli.console import fail, say
from deploy.dev import environment
from deploy.tools.connection import database_url, set_by_operator, stack_of_state, use_environment
from deploy.tools.contracts import services_present
from deploy.tools.text_table import table

Service = Annotated[str, typer.Argument(help="Which service.")]

_MASK = "(secret: --secrets shows it)"
_OURS = ("MESH_", "PUBSUB_", "STORAGE_")


def env(
    service: Service,
    secrets: Annotated[bool, typer.Option("--secrets", help="Print addresses with their passwords as well.")] = False,
) -> None:
    """Print the environment of a service, one variable a line; what has a password in it is masked."""
    _require(service)
    for name, value in sorted(_environment(service).items()):
        say(f"{name}={_MASK if not secrets and _has_password(value) else value}")


def psql(
    service: Service,
    command: Annotated[str, typer.Option("--command", "-c", help="Run this statement and end.")] = "",
    owner: Annotated[bool, typer.Option("--owner", help="As the role that owns the tables. Mind what you do.")] = False,
) -> None:
    """Open psql on a service's database as its runtime role, or run one statement and print its rows."""
    _require(service)
    use_environment()
    address = database_url(service, kind="MIGRATION_" if owner else "").replace("+psycopg", "")
    if command:
        _run(address, command)
        return
    program = shutil.which("psql")
    if program is None:
        raise fail("psql: it is not installed; -c runs one statement without it")
    parts: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(address)
    # Arguments are shown to every user of the machine.
    os.environ["PGPASSWORD"] = str(parts.pop("password", ""))
    os.execv(program, [program, psycopg.conninfo.make_conninfo(**parts)])  # noqa: S606


def _run(address: str, command: str) -> None:
    try:
        with psycopg.connect(address, connect_timeout=3) as connection:
            cursor = connection.execute(command.encode())
            if cursor.description is None:
                say(cursor.statusmessage or "")
            else:
                say(table([column.name for column in cursor.description], cursor.fetchall()))
    except psycopg.Error as error:
        raise fail(f"psql: {' '.join(str(error).split())}") from None


def _environment(service: str) -> dict[str, str]:
    if set_by_operator():
        prefixes = (*_OURS, f"{service.upper()}_")
        return {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    addresses, key_files = stack_of_state()
    whole = environment.service(service, addresses=addresses, key_files=key_files)
    return {name: value for name, value in whole.items() if os.environ.get(name) != value}


def _has_password(value: str) -> bool:
    return "://" in value and "@" in value


def _require(service: str) -> None:
    if service not in services_present():
        raise fail(f"there is no service {service}; there are {', '.join(services_present())}")
