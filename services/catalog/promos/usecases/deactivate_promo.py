"""End a promo code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.catalog.promos.data import promos

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.catalog.promos.data.promos import Promo


def deactivate_promo(tx: Tx, *, promo_id: uuid.UUID) -> Promo:
    """Return the promo, inactive; again changes nothing. Raises NotFound for a foreign one."""
    before = promos.lock_of_store(tx, promo_id, store_id=tx.principal.require_store)
    if before is None:
        raise NotFound
    promo = promos.deactivate(tx, promo_id)
    tx.audit(target=promo_id, before={"is_active": before.is_active}, after={"is_active": False})
    return promo
