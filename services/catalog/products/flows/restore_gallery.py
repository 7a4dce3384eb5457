"""Attach in media what a product shows, after a change of its files that was not recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import StateConflict
from meshkit.ids import derived_id
from services.catalog.products.data import product_changes, products

if TYPE_CHECKING:
    import uuid

    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from services.catalog.outbound.ports import Galleries

_TRIES = 3


def restore_gallery(
    transactions: Transactions,
    call: Call,
    *,
    product_id: uuid.UUID,
    store_id: uuid.UUID,
    flow_id: uuid.UUID,
    galleries: Galleries,
    only_if_held: bool = False,
) -> None:
    """Attach what the product shows; `only_if_held`: unless another flow has begun to change it since.

    A deleted product shows nothing. Raises StateConflict while others keep changing it.
    """
    # Derived, so that a repeat recognises what this run had begun.
    mine = derived_id(flow_id, "undo")
    holders: set[uuid.UUID | None] | None = {flow_id, mine} if only_if_held else None
    for _ in range(_TRIES):
        # A flow that began before us finds at its end that the gallery is not its own any more, and restores it as well.
        with transactions.write(call) as tx:
            row = product_changes.lock(tx, product_id, store_id=store_id)
            if row is None or (holders is not None and row.gallery_flow not in holders):
                return
            if row.deleted_at is None:
                product_changes.claim_gallery(tx, product_id, flow_id=mine)
                shown = products.media_ids_of(tx, product_id)
        if row.deleted_at is not None:
            galleries.detach_all(call, product_id=product_id, store_id=store_id)
            return
        galleries.attach(call, product_id=product_id, store_id=store_id, media_ids=shown)
        galleries.attach_coa(call, product_id=product_id, store_id=store_id, media_id=row.coa_media_id)
        with transactions.write(call) as tx:
            if product_changes.release_gallery(tx, product_id, flow_id=mine):
                return
            # Another flow began after us: our files may have replaced its files, so they must not be recorded as they are.
            holders = {product_changes.gallery_flow(tx, product_id)}
    raise StateConflict("The gallery is being changed.", state="changing")
