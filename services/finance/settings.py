"""Finance's settings; environment prefix `FINANCE_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class FinanceSettings(DatabaseSettings):
    """Finance's own settings."""

    model_config = SettingsConfigDict(env_prefix="FINANCE_", frozen=True)

    # The platform's fee of new orders, in hundredths of a percent. An order keeps the one it was made with.
    platform_fee_basis_points: int = Field(default=0, ge=0, le=10_000)

    # A transfer of less than this waits until more of the vendor's orders are due.
    payout_minimum_cents: int = Field(default=0, ge=0)
    # A transfer of more than this waits for a second administrator.
    payout_two_persons_above_cents: int = Field(default=5_000_000, ge=0)
    # Whether a vendor waits for its money until a station has counted the order's cash.
    payout_after_count: bool = False
    # A larger difference is resolved by somebody else than whoever counted.
    cash_mismatch_two_persons_above_cents: int = Field(default=5_000, ge=0)
