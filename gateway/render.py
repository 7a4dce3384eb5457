"""Render Envoy's configuration from the contracts: `python -m gateway.render --output FILE --environment dev`.

Writes FILE and, next to it, the pages Envoy serves. Called by `marketmesh dev`, the image's entry point and tests.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.clusters import build_clusters, socket_address
from gateway.contracts import Contracts, load_contracts
from gateway.envoy_types import Json
from gateway.listener import build_listener
from gateway.openapi import build_openapi, read_examples
from gateway.reference_page import write_pages
from gateway.routes import Pages
from gateway.routes_table import build_routes_table
from gateway.settings import Address, GatewaySettings, SettingsInvalid, read_settings

_DESCRIPTORS = Path(__file__).resolve().parent.parent / "gen" / "descriptors.binpb"
_README = Path(__file__).with_name("README.md")
_TABLE_MARK = "Generated: `python -m gateway.render --write-routes-table`."
_CONNECTIONS_MAX = 10_000


def render(*, output: Path, environment: str, descriptor_path: Path, variables: Mapping[str, str]) -> None:
    """Write the configuration to `output` and the pages beside it.

    Raises: SettingsInvalid when the environment does not describe a gateway.
    """
    settings = read_settings(environment=environment, descriptor_path=descriptor_path, variables=variables)
    contracts = load_contracts(descriptor_path=descriptor_path)
    folder = output.resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    pages = Pages(openapi=folder / f"{output.stem}.openapi.json", files=write_pages(folder=folder, stem=output.stem))
    bootstrap = build_bootstrap(contracts=contracts, settings=settings, pages=pages)
    document = build_openapi(contracts=contracts, examples=read_examples())
    pages.openapi.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    output.write_text(json.dumps(bootstrap, indent=1), encoding="utf-8")


def build_bootstrap(*, contracts: Contracts, settings: GatewaySettings, pages: Pages) -> Json:
    """Return Envoy's whole bootstrap configuration."""
    return {
        "admin": {"address": socket_address(Address(host="127.0.0.1", port=settings.admin_port))},
        "static_resources": {
            "listeners": [build_listener(contracts=contracts, settings=settings, pages=pages)],
            "clusters": build_clusters(owners=contracts.owners, settings=settings),
        },
        "overload_manager": _OVERLOAD,
    }


_OVERLOAD: Json = {
    "resource_monitors": [
        {
            "name": "envoy.resource_monitors.global_downstream_max_connections",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3."
                "DownstreamConnectionsConfig",
                "max_active_downstream_connections": _CONNECTIONS_MAX,
            },
        }
    ]
}


def write_routes_table(*, contracts: Contracts) -> None:
    """Replace the table at the end of the README."""
    head = _README.read_text(encoding="utf-8").split(_TABLE_MARK)[0]
    _README.write_text(f"{head}{_TABLE_MARK}\n\n{build_routes_table(contracts=contracts)}", encoding="utf-8")


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.routes_table or arguments.write_routes_table:
        contracts = load_contracts(descriptor_path=arguments.descriptors)
        if arguments.write_routes_table:
            write_routes_table(contracts=contracts)
        else:
            sys.stdout.write(build_routes_table(contracts=contracts))
        return 0
    if arguments.output is None:
        parser.error("--output is needed")
    where = {"output": arguments.output, "descriptor_path": arguments.descriptors}
    try:
        environment = arguments.environment or os.environ.get("MESH_ENVIRONMENT", "")
        render(environment=environment, variables=os.environ, **where)
    except SettingsInvalid as error:
        sys.stderr.write(f"gateway: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.render", description=__doc__)
    parser.add_argument("--output", type=Path, help="where to write the configuration")
    parser.add_argument("--environment", help="default: MESH_ENVIRONMENT; there is no other")
    parser.add_argument("--descriptors", type=Path, default=_DESCRIPTORS)
    parser.add_argument("--routes-table", action="store_true", help="print the routes as a Markdown table and stop")
    parser.add_argument("--write-routes-table", action="store_true", help="renew the table in the README and stop")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
