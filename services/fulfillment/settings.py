"""Fulfillment's settings; environment prefix `FULFILLMENT_`."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings
from services.fulfillment.delivery.domain.proof import ProofPolicy


class FulfillmentSettings(DatabaseSettings):
    """Fulfillment's own settings."""

    model_config = SettingsConfigDict(env_prefix="FULFILLMENT_", frozen=True)

    # Secret from which delivery codes are derived; another one gives every undelivered order another code.
    delivery_code_key_file: Path
    # What an agent must show to have delivered: none, any, photo, signature or code.
    proof_of_delivery: ProofPolicy = ProofPolicy.ANY
