"""Delete a product: hide it for good, then detach its files in media. Both steps are safe to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.catalog.products.data import product_changes, products

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.catalog.outbound.ports import Galleries


def delete_product(flow: Flow, *, product_id: uuid.UUID, galleries: Galleries, answer: Message) -> Message:
    """Return the answer once the product is gone with its files. Raises NotFound for a foreign or deleted one.

    From the first step on nobody sees it any more; what orders hold of it stays, and so does its history.
    """
    store_id = flow.principal.require_store
    with flow.transaction() as tx:
        row = product_changes.lock(tx, product_id, store_id=store_id)
        if row is None or (row.deleted_at is not None and row.gallery_flow != flow.id):
            raise NotFound
        if row.deleted_at is None:
            product_changes.delete(tx, product_id, flow_id=flow.id)
    galleries.detach_all(flow.call, product_id=product_id, store_id=store_id)
    with flow.transaction() as tx:
        before = what_it_was(tx, row)
        product_changes.remove_media(tx, product_id)
        tx.audit(target=product_id, before=before, after={"deleted": True})
        return flow.complete(tx, answer)


def what_it_was(tx: Tx, row: Any) -> dict[str, Any]:
    """Return what the audit log keeps of a deleted product."""
    return {
        "sku": row.sku,
        "title": row.title,
        "price_cents": row.price_cents,
        "coa_media_id": str(row.coa_media_id) if row.coa_media_id else None,
        "media_ids": [str(media_id) for media_id in products.media_ids_of(tx, row.id)],
    }
