"""What every process of the mesh is told from outside. A service adds its own settings with its own prefix."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("identity", "catalog", "commerce", "fulfillment", "finance", "media", "ads", "analytics")


class MeshSettings(BaseSettings):
    """Settings shared by all services; environment prefix `MESH_`."""

    model_config = SettingsConfigDict(env_prefix="MESH_", frozen=True)

    environment: str = "dev"
    log_level: str = "INFO"
    grpc_host: str = "127.0.0.1"
    grpc_port: int = 0
    metrics_port: int = 0
    redis_url: str = "redis://127.0.0.1:6379/0"
    pubsub_project: str = "marketmesh-dev"
    service_token_key_file: Path
    rate_limits_file: Path = Path(__file__).resolve().parent.parent / "deploy" / "config" / "ratelimits.toml"
    public_url: str = "http://127.0.0.1:8080"
    # Threads that run RPCs, and RPCs admitted at once (running and waiting for a thread).
    rpc_threads: int = Field(default=16, ge=1)
    rpc_concurrency: int = Field(default=64, ge=1)
    relay_poll_ms: int = Field(default=20, ge=1)
    identity_address: str = "127.0.0.1:9101"
    catalog_address: str = "127.0.0.1:9102"
    commerce_address: str = "127.0.0.1:9103"
    fulfillment_address: str = "127.0.0.1:9104"
    finance_address: str = "127.0.0.1:9105"
    media_address: str = "127.0.0.1:9106"
    ads_address: str = "127.0.0.1:9107"
    analytics_address: str = "127.0.0.1:9108"

    @property
    def is_production(self) -> bool:
        """Whether dangerous conveniences are refused."""
        return self.environment == "production"

    def address_of(self, service: str) -> str:
        """Return `host:port` of a service's gRPC server."""
        return str(getattr(self, f"{service}_address"))


class DatabaseSettings(BaseSettings):
    """A service's own database; subclass with the service's prefix."""

    database_url: str
    migration_database_url: str = ""
    database_pool: int = Field(default=8, ge=1)
