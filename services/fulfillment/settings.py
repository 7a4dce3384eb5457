"""What fulfillment is told from outside; environment prefix `FULFILLMENT_`."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class FulfillmentSettings(DatabaseSettings):
    """Fulfillment's own settings."""

    model_config = SettingsConfigDict(env_prefix="FULFILLMENT_", frozen=True)
