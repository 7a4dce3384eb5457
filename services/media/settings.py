"""Settings of media, from the environment with the prefix `MEDIA_`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class MediaSettings(DatabaseSettings):
    """Media's own settings."""

    model_config = SettingsConfigDict(env_prefix="MEDIA_", frozen=True)

    # Service account key (JSON as Google hands it out) that signs URLs.
    signing_key_file: Path
    # Where clients and we reach the object store; a plain http address is a developer's own.
    storage_url: str = "https://storage.googleapis.com"
    bucket: str
    upload_url_minutes: int = Field(default=30, ge=1, le=60)
    read_url_hours: int = Field(default=48, ge=1, le=168)
    storage_timeout_seconds: float = Field(default=3.0, gt=0)

    @property
    def is_storage_local(self) -> bool:
        """Whether the store is a developer's own, whose bucket we make."""
        return self.storage_url.startswith("http://")
