"""Settings of every process of the mesh, from the environment. A service adds its own with its own prefix."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from meshkit.environment import Environment

# Undelivered messages live that long on the bus.
BUS_KEEPS_DAYS = 7

_ADDRESS = re.compile(r"^MESH_([A-Z0-9]+)_ADDRESS$")


def _addresses() -> dict[str, str]:
    """Return `host:port` by service, from MESH_<SERVICE>_ADDRESS: the chassis knows no service by name."""
    found = ((_ADDRESS.match(name), value) for name, value in os.environ.items())
    return {match[1].lower(): value for match, value in found if match}


class SettingsInvalid(LookupError):
    """The environment does not say what a process must know; the message names the variables, never their values."""


class EnvironmentSettings(BaseSettings):
    """Settings that are read from the environment when constructed. Raises SettingsInvalid."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # Pydantic's own message would print all settings, passwords included.
            prefix = str(type(self).model_config.get("env_prefix", ""))
            raise SettingsInvalid("; ".join(_complaint(prefix, item) for item in error.errors())) from None


def _complaint(prefix: str, item: Any) -> str:
    if not item["loc"]:
        return str(item["msg"])
    variable = f"{prefix}{item['loc'][0]}".upper()
    return f"{variable} is not set" if item["type"] == "missing" else f"{variable}: {item['msg']}"


class MeshSettings(EnvironmentSettings):
    """Settings shared by all services; environment prefix `MESH_`."""

    model_config = SettingsConfigDict(env_prefix="MESH_", frozen=True)

    environment: Environment
    # Opens routes that are only for developers, such as registering an administrator. Besides `environment`, so that
    # being in development is not enough.
    dev_routes: bool = False
    log_level: str = "INFO"
    grpc_host: str = "127.0.0.1"
    grpc_port: int = 0
    metrics_port: int = 0
    redis_url: str
    pubsub_project: str
    # The private half of this service's own key, and everybody's public halves: meshkit/service_keys.py.
    service_key_file: Path
    service_keys_folder: Path
    # What idempotency keys' requests and the audit log's anchors are hashed with; it opens no door. One for the mesh.
    digest_key_file: Path
    rate_limits_file: Path = Path(__file__).resolve().parent.parent / "deploy" / "config" / "ratelimits.toml"
    # Threads that run RPCs, and RPCs admitted at once (running and waiting for a thread).
    rpc_threads: int = Field(default=16, ge=1)
    rpc_concurrency: int = Field(default=64, ge=1)
    relay_poll_ms: int = Field(default=20, ge=1)
    # How long a flow may be silent before somebody else may take it up: longer than the gateway waits for one.
    flow_lease_s: float = Field(default=20, gt=0)
    # How long a process that was told to stop still takes calls, while health checks say NOT_SERVING: longer than Envoy
    # takes to notice, also on an idle cluster (gateway/clusters.py). 0 where there is no other process to take over.
    drain_s: float = Field(default=11, ge=0)
    # Tells anybody who reaches the process which methods there are (gRPC server reflection): for developers, so only where
    # `environment` is dev or test.
    grpc_reflection: bool = False
    # Tests only, and only where `environment` is dev or test: see meshkit/crash.py.
    crash_file: Path | None = None
    # Tests only, and only where `environment` is dev or test: see MovedClock in meshkit/clock.py.
    clock_file: Path | None = None
    # A folder that no database lives in, for the heads of the audit chain; only trials may go without.
    audit_anchor_folder: Path | None = None
    # Where the other services' gRPC servers are.
    addresses: dict[str, str] = Field(default_factory=_addresses)

    @model_validator(mode="after")
    def _no_conveniences_for_real_people(self) -> Self:
        for variable, given in (
            ("MESH_DEV_ROUTES", self.dev_routes),
            ("MESH_GRPC_REFLECTION", self.grpc_reflection),
            ("MESH_CRASH_FILE", self.crash_file),
            ("MESH_CLOCK_FILE", self.clock_file),
            # Its calls are neither encrypted nor authenticated.
            ("PUBSUB_EMULATOR_HOST", os.environ.get("PUBSUB_EMULATOR_HOST")),
        ):
            if given:
                self.require_trial(variable)
        if self.audit_anchor_folder is None and not self.environment.is_for_trial:
            raise SettingsInvalid("MESH_AUDIT_ANCHOR_FOLDER is not set")
        return self

    def require_trial(self, variable: str) -> None:
        """Refuse a setting that is a convenience of development elsewhere. Raises SettingsInvalid."""
        if not self.environment.is_for_trial:
            raise SettingsInvalid(
                f"{variable} is only for MESH_ENVIRONMENT dev or test, and this is {self.environment}: unset it"
            )

    def address_of(self, service: str) -> str:
        """Return `host:port` of a service's gRPC server. Raises SettingsInvalid naming the missing variable."""
        try:
            return self.addresses[service]
        except KeyError:
            raise SettingsInvalid(f"MESH_{service.upper()}_ADDRESS is not set") from None


class RetentionSettings(EnvironmentSettings):
    """How long what every service writes is kept; environment prefix `MESH_KEEP_`.

    Who handled an event must be known for longer than it can come again, else it would be applied twice.
    """

    model_config = SettingsConfigDict(env_prefix="MESH_KEEP_", frozen=True)

    published_events_days: int = Field(default=30, ge=1)
    handled_events_days: int = Field(default=45, ge=1)
    job_ticks_days: int = Field(default=2, ge=1)

    @model_validator(mode="after")
    def _remember_longer_than_repeat(self) -> Self:
        if self.handled_events_days <= self.published_events_days + BUS_KEEPS_DAYS:
            raise ValueError(
                f"MESH_KEEP_HANDLED_EVENTS_DAYS must exceed MESH_KEEP_PUBLISHED_EVENTS_DAYS by more than {BUS_KEEPS_DAYS}"
            )
        return self


class DatabaseSettings(EnvironmentSettings):
    """A service's own database; subclass with the service's prefix."""

    database_url: str
    migration_database_url: str = ""
    database_pool: int = Field(default=8, ge=1)
