"""Say how much of a product there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.catalog.data import inventory

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def set_inventory(tx: Tx, *, product_id: uuid.UUID, available_qty: int, low_stock_threshold: int | None) -> Any:
    """Set what is available, never what orders hold; returns the inventory. Raises NotFound for a foreign product."""
    before = inventory.lock_of_store(tx, product_id, store_id=tx.principal.require_store)
    if before is None:
        raise NotFound
    threshold = before.low_stock_threshold if low_stock_threshold is None else low_stock_threshold
    after = inventory.set_available(tx, product_id, available_qty=available_qty, low_stock_threshold=threshold)
    tx.audit(target=product_id, before=_facts(before), after=_facts(after))
    return after


def _facts(row: Any) -> dict[str, int]:
    return {
        "available_qty": row.available_qty,
        "reserved_qty": row.reserved_qty,
        "received_qty": row.received_qty,
        "low_stock_threshold": row.low_stock_threshold,
    }
