"""Commerce's settings from the environment; prefix `COMMERCE_`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class CommerceSettings(DatabaseSettings):
    """Commerce's own settings."""

    model_config = SettingsConfigDict(env_prefix="COMMERCE_", frozen=True)

    # How long a quote's prices hold.
    quote_minutes: int = Field(default=15, ge=1, le=60)
    # Whether a buyer without a verified licence may see what a cart costs; checkout refuses it either way (A.6.1).
    unverified_may_quote: bool = True
    # How long catalog keeps stock for a checkout that has not become orders; contract limit 3600.
    reservation_seconds: int = Field(default=900, ge=60, le=3600)
    # Whether orders may be paid by bank transfer. Not yet: agents collect cash.
    ach_enabled: bool = False
    # Which flow a checkout runs through: one group, one reservation, one conversion. There is no other today.
    checkout_flow: Literal["single"] = "single"
    # How long an order may wait for its vendor until the vendor is reminded, and until it expires. Vendors may choose otherwise.
    pending_nudge_days: int = Field(default=5, ge=1, le=29)
    pending_expiry_days: int = Field(default=10, ge=2, le=30)
    # How often the job looks for such orders.
    lifetime_seconds: int = Field(default=30, ge=1, le=3600)
