"""Catalog's settings; environment prefix `CATALOG_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class CatalogSettings(DatabaseSettings):
    """Catalog's own settings."""

    model_config = SettingsConfigDict(env_prefix="CATALOG_", frozen=True)

    # Whether stores without a verified licence see products and prices; checkout refuses them either way (A.6.1).
    unverified_may_browse: bool = True
    # How often reservations past their time are settled: commerce is asked which were bought, the others are given back.
    expiry_seconds: int = Field(default=5, ge=1)
