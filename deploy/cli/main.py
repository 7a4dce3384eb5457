"""The `marketmesh` command line; every command lives in a module of its own and is registered here."""

from __future__ import annotations

import typer

from deploy.cli.dev import dev

app = typer.Typer(help="Marketmesh: run and operate the mesh.", no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(dev)


@app.callback()
def main() -> None:
    """Keep `dev` a subcommand even while it is the only one."""


if __name__ == "__main__":
    app()
