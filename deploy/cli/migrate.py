"""`marketmesh migrate`: bring services' databases to a revision."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.cli.console import fail, say
from deploy.tools.connection import database_url, use_environment
from deploy.tools.contracts import services_present
from meshkit.db import migrate as migrations


def migrate(
    service: Annotated[str, typer.Argument(help="One service; all when left out.")] = "",
    down: Annotated[str, typer.Option(help="Go back to this revision instead (`base` drops everything).")] = "",
) -> None:
    """Migrate as the owner role, one service after the other."""
    use_environment()
    if service and service not in services_present():
        raise fail(f"migrate: there is no service {service}; there are {', '.join(services_present())}")
    if down and not service:
        raise fail("migrate: name the service to take back")
    for name in [service] if service else services_present():
        url = database_url(name, kind="MIGRATION_")
        try:
            if down:
                migrations.downgrade(service=name, url=url, revision=down)
            else:
                migrations.upgrade(service=name, url=url)
        except migrations.MigrationRefused as error:
            raise fail(f"migrate: {name} was not migrated: {error}") from None
        say(f"{name}: at {down or 'head'}")
