"""Attach in media the logo that a store shows, after a change that was not recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import StateConflict
from meshkit.ids import derived_id
from services.identity.stores.data import stores

if TYPE_CHECKING:
    import uuid

    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from services.identity.outbound.ports import StoreLogos

_TRIES = 3


def restore_logo(
    transactions: Transactions,
    call: Call,
    *,
    store_id: uuid.UUID,
    flow_id: uuid.UUID,
    logos: StoreLogos,
    only_if_held: bool = False,
) -> None:
    """Attach what the store shows; `only_if_held`: unless another flow has begun to change it since.

    Raises StateConflict while others keep changing it.
    """
    # Derived, so that a repeat recognises what this run had begun.
    mine = derived_id(flow_id, "undo")
    holders: set[uuid.UUID | None] | None = {flow_id, mine} if only_if_held else None
    for _ in range(_TRIES):
        with transactions.write(call) as tx:
            store = stores.lock(tx, store_id)
            if store is None or (holders is not None and store.logo_flow not in holders):
                return
            stores.claim_logo(tx, store_id, flow_id=mine)
        logos.attach_logo(call, store_id=store_id, media_id=store.logo_media_id)
        with transactions.read(call) as tx:
            store = stores.find(tx, store_id)
        if store is None or store.logo_flow == mine:
            return
        # Another flow began after us: our file may have replaced its file, so it must not be recorded as it is.
        holders = {store.logo_flow}
    raise StateConflict("The logo is being changed.", state="changing")
