"""Set whether a vendor's subscription counts as active. Audited; Stripe will decide it later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.identity.stores.data import stores
from services.identity.stores.usecases.announce_gate import announce_gate

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.identity.stores.domain.store import Store


def set_subscription_active(tx: Tx, *, store_id: uuid.UUID, active: bool, reason: str) -> Store:
    """Return the store as it is then; an unchanged value announces nothing. Raises NotFound."""
    store = stores.lock(tx, store_id)
    if store is None:
        raise NotFound
    tx.audit(
        target=store_id,
        before={"subscription_active": store.subscription_active},
        after={"subscription_active": active, "reason": reason},
    )
    if store.subscription_active == active:
        return store
    changed = stores.change_subscription(tx, store_id, active=active)
    announce_gate(tx, changed)
    return changed
