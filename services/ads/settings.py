"""Settings of ads, from the environment with the prefix `ADS_`."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class AdsSettings(DatabaseSettings):
    """Ads' own settings."""

    model_config = SettingsConfigDict(env_prefix="ADS_", frozen=True)

    # Secret that signs view and click tokens.
    token_key_file: Path
