"""Finance's tables, a module per capability."""

from __future__ import annotations

from services.finance.schema import cash, ledger, payments, payouts
from services.finance.schema.base import metadata

__all__ = ["cash", "ledger", "metadata", "payments", "payouts"]
