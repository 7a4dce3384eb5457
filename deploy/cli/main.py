"""The `marketmesh` command line; every command lives in a module of its own, and deploy.cli.commands lists them."""

from __future__ import annotations

import typer

from deploy.cli.commands import Commands

app = typer.Typer(
    help="Marketmesh: run and operate the mesh.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=Commands,
)


@app.callback()
def _marketmesh() -> None:
    """Marketmesh: run and operate the mesh."""


if __name__ == "__main__":
    app()
