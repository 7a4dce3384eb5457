"""The environment of every process of the embedded stack: the only place that knows addresses.

Invariant: a service gets its own database, its own keys and nobody else's. Called by the builders of parts and stack.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from urllib.parse import quote

from deploy.dev.keys import OPERATOR, REDIS_USER, SUPERUSER, private_key_of
from deploy.dev.ports import HOST, PREFIX, SERVICES, Ports

PROJECT = "marketmesh-dev"
OBJECT_TOPIC = "media.object.v1"
MEDIA_BUCKET = "marketmesh-media"
_FRONT_ENDS = "http://localhost:5173,http://localhost:3000"
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# The variables of keys.key_files that only their owner gets; the rest go to every service.
_KEY_OWNERS = {
    "IDENTITY_SIGNING_KEY_FILE": "identity",
    "ADS_TOKEN_KEY_FILE": "ads",
    "FULFILLMENT_DELIVERY_CODE_KEY_FILE": "fulfillment",
    "MEDIA_SIGNING_KEY_FILE": "media",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where everything is, as clients write it."""

    ports: Ports
    passwords: Mapping[str, str] = dataclasses.field(repr=False)

    def of(self, name: str) -> str:
        """Return `host:port` of a port named as in Ports.by_name (a service's name is its gRPC port)."""
        return f"{HOST}:{self.ports.by_name()[name]}"

    def url(self, name: str) -> str:
        """Return the HTTP address of such a port."""
        return f"http://{self.of(name)}"

    @property
    def superuser_dsn(self) -> str:
        """Return libpq's address of the database `postgres` as superuser."""
        return self._dsn("postgresql", SUPERUSER, "postgres")

    def database_dsn(self, service: str, *, kind: str = "app") -> str:
        """Return libpq's address of a service's database as its `app` or `owner` role."""
        return self._dsn("postgresql", f"{service}_{kind}", service)

    def database_url(self, service: str, *, kind: str = "app") -> str:
        """Return the same for SQLAlchemy."""
        return self._dsn("postgresql+psycopg", f"{service}_{kind}", service)

    @property
    def redis_url(self) -> str:
        """Return the address of Valkey's database 0."""
        return f"redis://{REDIS_USER}:{quote(self.passwords[REDIS_USER], safe='')}@{self.of('valkey')}/0"

    def _dsn(self, scheme: str, role: str, database: str) -> str:
        return f"{scheme}://{role}:{quote(self.passwords[role], safe='')}@{self.of('postgres')}/{database}"


def base() -> dict[str, str]:
    """Return what every process gets: the developer's own environment, without the stack's switches and proxies."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    # A proxy set for the outside world must not be asked for our own loopback (gRPC and urllib read these).
    bypass = ",".join(filter(None, (environment.get("no_proxy"), HOST, "localhost")))
    return environment | {
        "no_proxy": bypass,
        "NO_PROXY": bypass,
        # Threads of a Python server spread over malloc arenas; two instead of eight per core save tens of MiB each.
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def service_addresses(addresses: Addresses) -> dict[str, str]:
    """Return MESH_<SERVICE>_ADDRESS for all eight."""
    return {f"MESH_{service.upper()}_ADDRESS": addresses.of(service) for service in SERVICES}


def emulator(addresses: Addresses) -> dict[str, str]:
    """Return the environment of a part that talks to Pub/Sub and nothing else of ours (GCS, the topology step)."""
    return base() | _bus(addresses)


def _bus(addresses: Addresses) -> dict[str, str]:
    return {
        # gRPC's older poller needs a quarter less processor time per call than its event engine (decision 15).
        "GRPC_EXPERIMENTS": "-event_engine_client,-event_engine_listener",
        "PUBSUB_EMULATOR_HOST": addresses.of("pubsub"),
        "MESH_PUBSUB_PROJECT": PROJECT,
        "MESH_ENVIRONMENT": "dev",
    }


def gateway(addresses: Addresses) -> dict[str, str]:
    """Return the environment in which Envoy's configuration is rendered."""
    return (
        base()
        | service_addresses(addresses)
        | {
            "MESH_ENVIRONMENT": "dev",
            "GATEWAY_PORT": str(addresses.ports.gateway),
            "GATEWAY_ADMIN_PORT": str(addresses.ports.envoy_admin),
            # Where the usual front-end servers of developers listen.
            "GATEWAY_CORS_ORIGINS": os.environ.get("GATEWAY_CORS_ORIGINS", _FRONT_ENDS),
        }
    )


def service(name: str, *, addresses: Addresses, key_files: Mapping[str, pathlib.Path]) -> dict[str, str]:
    """Return the environment of a service's process, its migration included."""
    return base() | _of_service(name, addresses=addresses, key_files=key_files)


def _of_service(name: str, *, addresses: Addresses, key_files: Mapping[str, pathlib.Path]) -> dict[str, str]:
    return (
        _bus(addresses)
        | service_addresses(addresses)
        | {
            "MESH_DEV_ROUTES": "true",
            # One process of each service: nobody could take over, so that stopping need not wait.
            "MESH_DRAIN_S": "0",
            # Beside the keys, in the state folder: where no database's role can write.
            "MESH_AUDIT_ANCHOR_FOLDER": str(key_files["MESH_DIGEST_KEY_FILE"].parent.parent / "audit"),
            "MESH_REDIS_URL": addresses.redis_url,
            "MESH_GRPC_PORT": str(addresses.ports.grpc[name]),
            "MESH_METRICS_PORT": str(addresses.ports.metrics[name]),
            "MESH_SMTP_ADDRESS": addresses.of("smtp"),
            f"{name.upper()}_DATABASE_URL": addresses.database_url(name),
            f"{name.upper()}_MIGRATION_DATABASE_URL": addresses.database_url(name, kind="owner"),
        }
        | _keys(name, key_files)
        | _own(name, addresses=addresses)
    )


def command_line(
    *, addresses: Addresses, key_files: Mapping[str, pathlib.Path], demo_logins: pathlib.Path
) -> dict[str, str]:
    """Return the environment of the operator's commands (topology, seed): every setting of every service."""
    # What is there already comes first: it may be of another stack, and must not win over what this one says.
    merged = base() | {"MESH_DEMO_LOGINS_FILE": str(demo_logins), "MESH_PUBLIC_URL": addresses.url("gateway")}
    for name in SERVICES:
        merged |= _of_service(name, addresses=addresses, key_files=key_files)
    merged["MESH_SERVICE_KEY_FILE"] = str(key_files[private_key_of(OPERATOR)])
    # These two are one process's own ports.
    return {key: value for key, value in merged.items() if key not in ("MESH_GRPC_PORT", "MESH_METRICS_PORT")}


def _keys(name: str, key_files: Mapping[str, pathlib.Path]) -> dict[str, str]:
    """Return what everybody may read, and what this service alone may."""
    private = {private_key_of(caller) for caller in (*SERVICES, OPERATOR)}
    given = {
        variable: str(path)
        for variable, path in key_files.items()
        if variable not in private and _KEY_OWNERS.get(variable, name) == name
    }
    return given | {"MESH_SERVICE_KEY_FILE": str(key_files[private_key_of(name)])}


def _own(name: str, *, addresses: Addresses) -> dict[str, str]:
    if name == "media":
        storage = addresses.url("gcs")
        return {"MEDIA_STORAGE_URL": storage, "MEDIA_BUCKET": MEDIA_BUCKET}
    if name == "analytics":
        return {"ANALYTICS_BIGQUERY_URL": addresses.url("bigquery_rest"), "ANALYTICS_BIGQUERY_PROJECT": PROJECT}
    return {}
