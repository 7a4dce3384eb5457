"""Settings of analytics, from the environment with the prefix `ANALYTICS_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class AnalyticsSettings(DatabaseSettings):
    """Analytics' own settings."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_", frozen=True)

    # Empty means Google's own BigQuery with the environment's credentials.
    bigquery_url: str = ""
    bigquery_project: str
    bigquery_dataset: str = Field(default="marketmesh", pattern="^[A-Za-z0-9_]+$")
