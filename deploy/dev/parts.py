"""The list of everything that runs, and which ports each part needs. Called by stack."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Mapping

from deploy.dev import emulators, mesh, postgres
from deploy.dev.environment import Addresses
from deploy.dev.part import Part
from deploy.dev.ports import SERVICES
from deploy.dev.state import State

_PORTS = {
    "envoy": ("gateway", "envoy_admin"),
    "bigquery": ("bigquery_rest", "bigquery_grpc"),
    "mail": ("smtp", "mail"),
    **{name: (name,) for name in ("postgres", "valkey", "pubsub", "gcs")},
    **{service: (service, f"{service}_metrics") for service in SERVICES},
}


class UnknownPart(Exception):
    """Someone asked for a part that this stack does not have; the message lists those it has."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every builder needs."""

    state: State
    addresses: Addresses
    key_files: Mapping[str, pathlib.Path]


def build_parts(recipe: Recipe) -> dict[str, Part]:
    """Return the whole stack in the order in which it is listed."""
    state, addresses, key_files = recipe.state, recipe.addresses, recipe.key_files
    topology = mesh.build_topology(state=state, addresses=addresses, key_files=key_files)
    parts = [
        postgres.build_part(state=state, addresses=addresses),
        mesh.build_databases(addresses=addresses),
        emulators.build_valkey(state=state, addresses=addresses),
        emulators.build_pubsub(state=state, addresses=addresses),
        topology,
        emulators.build_gcs(state=state, addresses=addresses),
        emulators.build_mail(state=state, addresses=addresses),
        emulators.build_bigquery(state=state, addresses=addresses),
    ]
    for service in mesh.existing_services():
        parts += mesh.build_service(service, addresses=addresses, key_files=key_files)
    parts += mesh.build_gateway(state=state, addresses=addresses)
    parts.append(mesh.build_seed(state=state, addresses=addresses, key_files=key_files))
    return {part.name: part for part in parts if part is not None}


def select(parts: Mapping[str, Part], only: Collection[str]) -> dict[str, Part]:
    """Return the named parts and, transitively, what they need. Raises UnknownPart."""
    unknown = sorted(set(only) - set(parts))
    if unknown:
        raise UnknownPart(f"there is no part {unknown[0]!r}; there are {', '.join(parts)}")
    wanted: set[str] = set()
    queue = list(only)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += [needed for needed in parts[name].after if needed in parts]
    return {name: part for name, part in parts.items() if name in wanted}


def ports_of(names: Collection[str]) -> list[str]:
    """Return the names (as in Ports.by_name) of the ports that these parts listen on."""
    return [port for name in names for port in _PORTS.get(name, ())]
