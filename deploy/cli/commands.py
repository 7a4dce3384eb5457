"""The group of all commands: it imports a command's module when that one is called, and ends mistakes with a line.

Importing everything takes longer than `doctor` may take.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from deploy.cli.console import fail

if TYPE_CHECKING:
    from typer._click.core import Command, Context

# Where each command is: a function of a module, or the module's `app` of commands of its own.
HOMES = {
    "dev": ("deploy.cli.dev", "dev"),
    "doctor": ("deploy.cli.doctor", "doctor"),
    "migrate": ("deploy.cli.migrate", "migrate"),
    "seed": ("deploy.cli.seed", "seed"),
    "demo": ("deploy.cli.demo", "demo"),
    "prove": ("deploy.cli.prove", "prove"),
    "env": ("deploy.cli.service_shell", "env"),
    "psql": ("deploy.cli.service_shell", "psql"),
    "admin": ("deploy.cli.admin", "app"),
    "topology": ("deploy.cli.topology", "app"),
    "dlq": ("deploy.cli.dlq", "app"),
}


class Commands(TyperGroup):
    """The commands of the command line; what an operator can mend in their surroundings ends them with a line."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order of the help."""
        return list(HOMES)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Import the command; None when there is none of this name."""
        if cmd_name not in HOMES:
            return None
        module, attribute = HOMES[cmd_name]
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            command: Command = get_group(found)
        else:
            single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            single.command()(found)
            command = get_command(single)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from deploy.cli.refusals import told_of

            told = told_of(error)
            if told is None:
                raise
            raise fail(f"{ctx.invoked_subcommand}: {told}") from None
