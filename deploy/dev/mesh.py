"""Our own processes as parts: databases, migrations, topology, the eight services, Envoy, demo data.

What has not been written yet is left out, so that the stack grows with the repository.
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Mapping

from deploy.dev import databases, environment, probes, wheels
from deploy.dev.environment import REPOSITORY, Addresses
from deploy.dev.part import Part
from deploy.dev.ports import SERVICES
from deploy.dev.state import State

_SERVICE_LAYER = 1
_GATEWAY_LAYER = 2
# Its first fetch of the public keys goes through its own listener, which is not open yet; it asks again at once.
_ENVOY_SHOWN = re.compile(r"\[(?:warning|error|critical)\](?!.*jwks_async_fetcher)")
DEMO_LOGINS = "demo_logins.json"
_COMMAND_LINE = ("-m", "deploy.cli.main")


def existing_services() -> tuple[str, ...]:
    """Return the services that have a composition root."""
    return tuple(name for name in SERVICES if (REPOSITORY / "services" / name / "service.py").exists())


def build_databases(*, addresses: Addresses, services: tuple[str, ...] = SERVICES) -> Part:
    """Return the step that makes every service's database and roles."""
    return Part(
        name="databases",
        action=lambda: databases.ensure_databases(addresses.superuser_dsn, services, addresses.passwords),
        after=("postgres",),
        run_once=True,
    )


def build_topology(*, state: State, addresses: Addresses, key_files: Mapping[str, pathlib.Path]) -> Part:
    """Return the step that creates topics and subscriptions."""
    return _command(
        "topology", ("topology", "apply"), after=("pubsub",), state=state, addresses=addresses, key_files=key_files
    )


def build_seed(*, state: State, addresses: Addresses, key_files: Mapping[str, pathlib.Path]) -> Part | None:
    """Return the step that makes the demo data over the gateway, until it has run."""
    if (state.folder / DEMO_LOGINS).exists():
        return None
    after = ("envoy", *existing_services())
    return _command("seed", ("seed",), after=after, state=state, addresses=addresses, key_files=key_files)


def build_service(name: str, *, addresses: Addresses, key_files: Mapping[str, pathlib.Path]) -> tuple[Part, Part]:
    """Return the service's migration and the service, all its roles in one process."""
    own = environment.service(name, addresses=addresses, key_files=key_files)
    command = (sys.executable, "-m", f"services.{name}")
    migration = Part(
        name=f"migrate-{name}",
        argv=(*command, "migrate"),
        environment=own,
        folder=REPOSITORY,
        after=("databases",),
        layer=_SERVICE_LAYER,
        run_once=True,
        preloaded=True,
    )
    service = Part(
        name=name,
        argv=(*command, "run"),
        environment=own,
        folder=REPOSITORY,
        after=(migration.name, "valkey", "pubsub", "topology"),
        ready=probes.serving(addresses.ports.grpc[name]),
        answers=probes.talking(addresses.ports.grpc[name]),
        layer=_SERVICE_LAYER,
        preloaded=True,
        stop_within_s=6.0,  # leaves two of the eight seconds to the parts below
    )
    return migration, service


def build_gateway(*, state: State, addresses: Addresses) -> tuple[Part, ...]:
    """Return the step that renders Envoy's configuration, and Envoy."""
    if not (REPOSITORY / "gateway" / "render.py").exists():
        return ()
    configuration = str(state.folder / "envoy.json")
    own = environment.gateway(addresses)
    render = Part(
        name="gateway-config",
        argv=(sys.executable, "-m", "gateway.render", "--output", configuration),
        environment=own,
        folder=REPOSITORY,
        layer=_GATEWAY_LAYER,
        run_once=True,
    )
    flags = ("-c", configuration, "--concurrency", "1", "-l", "warn", "--disable-hot-restart")
    envoy = Part(
        name="envoy",
        argv=(str(wheels.program("envoy", "_bin/envoy")), *flags),
        environment=own,
        # Envoy fetches identity's public keys at its start; earlier it would refuse tokens for the first second.
        after=(render.name, "identity"),
        ready=probes.answering(addresses.url("envoy_admin") + "/ready"),
        answers=probes.answering(addresses.url("envoy_admin") + "/server_info"),
        layer=_GATEWAY_LAYER,
        stop_within_s=2.0,
        shown=_ENVOY_SHOWN,
    )
    return render, envoy


def _command(
    name: str,
    words: tuple[str, ...],
    *,
    after: tuple[str, ...],
    state: State,
    addresses: Addresses,
    key_files: Mapping[str, pathlib.Path],
) -> Part:
    return Part(
        name=name,
        argv=(sys.executable, *_COMMAND_LINE, *words),
        environment=environment.command_line(
            addresses=addresses, key_files=key_files, demo_logins=state.folder / DEMO_LOGINS
        ),
        folder=REPOSITORY,
        after=after,
        layer=_GATEWAY_LAYER,
        run_once=True,
        preloaded=True,
    )
