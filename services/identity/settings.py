"""Settings of identity, from the environment with the prefix `IDENTITY_`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class IdentitySettings(DatabaseSettings):
    """Identity's own settings. Start-up fails unless refresh tokens outlive access tokens."""

    model_config = SettingsConfigDict(env_prefix="IDENTITY_", frozen=True)

    # P-256 private key (PEM) that signs access tokens; its public half is the JWKS document.
    signing_key_file: Path
    access_token_minutes: int = Field(default=15, ge=1, le=15)
    refresh_token_minutes: int = Field(default=43_200, gt=15)
    refresh_grace_seconds: int = Field(default=20, ge=0)
    # Argon2id hashes computed at once, each on two processors, and logins allowed to wait for their turn. Those hold threads
    # that answer RPCs: both together must be fewer than MESH_RPC_THREADS.
    hash_workers: int = Field(default=1, ge=1)
    hash_waiting: int = Field(default=7, ge=0)
    # How long notifications are kept, read or not.
    notification_days: int = Field(default=30, ge=1)
