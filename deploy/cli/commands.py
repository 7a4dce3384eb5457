"""The group of all commands: it imports a command's module when that one is called, and reports an operator's mistakes in one line.

Importing all of them takes seconds: longer than `doctor` may take, and too long for a help text.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from deploy.cli.console import fail

if TYPE_CHECKING:
    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter


class Home(NamedTuple):
    """Where a command is, a function of a module or the module's `app` of commands of its own, and its line in the help."""

    module: str
    attribute: str
    line: str


HOMES = {
    "dev": Home(
        "deploy.cli.dev",
        "dev",
        "Start Postgres, Valkey, Pub/Sub, GCS, BigQuery, mail, all services and Envoy, without Docker.",
    ),
    "doctor": Home(
        "deploy.cli.doctor",
        "doctor",
        "Check everything that keeps the mesh from starting or working; exit 1 when something has to be mended.",
    ),
    "migrate": Home("deploy.cli.migrate", "migrate", "Migrate as the owner role, one service after the other."),
    "seed": Home("deploy.cli.seed", "seed", "Make demo logins and products, once; a second run changes nothing."),
    "demo": Home(
        "deploy.cli.demo",
        "demo",
        "Sell from a licensed vendor to a licensed buyer, from registration to payout, every step a REST call.",
    ),
    "prove": Home(
        "deploy.cli.prove", "prove", "Check the ledger, stock, order and event invariants over all databases."
    ),
    "env": Home(
        "deploy.cli.service_shell",
        "env",
        "Print the environment of a service, one variable a line; what has a password in it is masked.",
    ),
    "psql": Home(
        "deploy.cli.service_shell",
        "psql",
        "Open psql on a service's database as its runtime role, or run one statement and print its rows.",
    ),
    "admin": Home("deploy.cli.admin", "app", "Administrators of the platform."),
    "topology": Home("deploy.cli.topology", "app", "The Pub/Sub topics and subscriptions."),
    "dlq": Home("deploy.cli.dlq", "app", "Dead letters: events that could not be published or applied. None is lost."),
}


class Commands(TyperGroup):
    """The commands of the command line; errors that an operator can mend are shown in one line, without a traceback."""

    _is_listing = False

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Print the help, with the line of each command and without importing any."""
        self._is_listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._is_listing = False

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order of the help."""
        return list(HOMES)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Import the command; None when there is none of this name."""
        if cmd_name not in HOMES:
            return None
        home = HOMES[cmd_name]
        if self._is_listing:
            return TyperCommand(cmd_name, help=home.line)
        found = getattr(importlib.import_module(home.module), home.attribute)
        if isinstance(found, typer.Typer):
            command: Command = get_group(found)
        else:
            single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            single.command()(found)
            command = get_command(single)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from deploy.cli.refusals import reason_of

            reason = reason_of(error)
            if reason is None:
                raise
            raise fail(f"{ctx.invoked_subcommand}: {reason}") from None
