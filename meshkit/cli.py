"""The command line every service has: serve | relay | consume | jobs | run | migrate | check."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from meshkit.db import migrate as migrations
from meshkit.db.schema_check import require_schema
from meshkit.obs.logging import configure_logging
from meshkit.obs.metrics import serve_metrics
from meshkit.service import ROLES, Process
from meshkit.settings import MeshSettings, SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshkit.service import ServiceSpec


def service_app(spec: ServiceSpec) -> typer.Typer:
    """Return the command line of a service."""
    app = typer.Typer(help=f"The {spec.name} service.", no_args_is_help=True, pretty_exceptions_enable=False)

    def start(roles: tuple[str, ...]) -> None:
        with _clear_refusal(spec.name):
            mesh = MeshSettings()
            configure_logging(service=spec.name, environment=mesh.environment, level=mesh.log_level)
            process = Process(spec, mesh)
            require_schema(service=spec.name, url=spec.database_settings().database_url, metadata=spec.metadata)
        serve_metrics(port=mesh.metrics_port, host=mesh.grpc_host)
        process.run(roles)

    @app.command()
    def serve() -> None:
        """Answer RPCs."""
        start(("serve",))

    @app.command()
    def relay() -> None:
        """Publish the outbox."""
        start(("relay",))

    @app.command()
    def consume() -> None:
        """Handle events."""
        start(("consume",))

    @app.command()
    def jobs() -> None:
        """Run scheduled work."""
        start(("jobs",))

    @app.command()
    def run() -> None:
        """Do all of it in one process: for one machine."""
        start(ROLES)

    @app.command()
    def migrate(revision: str = "head") -> None:
        """Bring the database to a revision, as the owner role."""
        with _clear_refusal(spec.name):
            settings = spec.database_settings()
            migrations.upgrade(
                service=spec.name, url=settings.migration_database_url or settings.database_url, revision=revision
            )
        typer.echo(f"{spec.name}: database at {revision}")

    @app.command()
    def check() -> None:
        """Build everything but start nothing: settings, contracts and wiring are complete."""
        with _clear_refusal(spec.name):
            Process(spec, MeshSettings()).build_server()
        typer.echo(f"{spec.name}: ok")

    return app


@contextmanager
def _clear_refusal(service: str) -> Iterator[None]:
    """End the process with one line instead of a traceback when its environment, or the state of its database, is why."""
    try:
        yield
    except (SettingsInvalid, migrations.MigrationRefused) as error:
        typer.echo(f"{service}: {error}", err=True)
        raise typer.Exit(1) from None
