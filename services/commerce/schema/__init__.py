"""Commerce's tables, a module per capability."""

from __future__ import annotations

from services.commerce.schema import cart, checkout, orders, store_gates
from services.commerce.schema.base import metadata

__all__ = ["cart", "checkout", "metadata", "orders", "store_gates"]
