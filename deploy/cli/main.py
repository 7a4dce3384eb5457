"""The `marketmesh` command line; every command lives in a module of its own and is registered here."""

from __future__ import annotations

import typer

from deploy.cli import admin, dlq, topology
from deploy.cli.demo import demo
from deploy.cli.dev import dev
from deploy.cli.doctor import doctor
from deploy.cli.migrate import migrate
from deploy.cli.prove import prove
from deploy.cli.refusals import Commands
from deploy.cli.seed import seed
from deploy.cli.service_shell import env, psql

app = typer.Typer(
    help="Marketmesh: run and operate the mesh.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=Commands,
)
app.command()(dev)
app.command()(doctor)
app.command()(migrate)
app.command()(seed)
app.command()(demo)
app.command()(prove)
app.command()(env)
app.command()(psql)
app.add_typer(admin.app, name="admin")
app.add_typer(topology.app, name="topology")
app.add_typer(dlq.app, name="dlq")


if __name__ == "__main__":
    app()
