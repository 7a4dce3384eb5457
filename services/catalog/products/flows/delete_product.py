"""Delete a product: hide it for good, then detach its files in media. Both steps are safe to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import audit
from meshkit.errors import NotFound
from services.catalog.products.data import product_changes, products

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.db.tx import Transactions, Tx
    from meshkit.flow import Flow
    from services.catalog.outbound.ports import Galleries
    from services.catalog.products.data.product_changes import OwnProduct

_DELETED = {"deleted": True}


def delete_product(flow: Flow, *, product_id: uuid.UUID, galleries: Galleries, answer: Message) -> Message:
    """Return the answer once the product is gone with its files. Raises NotFound for a foreign or deleted one.

    It is hidden from the first step on; what orders hold of it stays, and so does its history.
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
        tx.audit(target=product_id, before=_remove_gallery(tx, row), after=_DELETED)
        return flow.complete(tx, answer)


def finish_deletion(
    transactions: Transactions,
    call: Call,
    *,
    product_id: uuid.UUID,
    store_id: uuid.UUID,
    flow_id: uuid.UUID,
    galleries: Galleries,
) -> None:
    """Do what is left of a deletion that its flow has begun: the product is hidden since its first step.

    Nothing is left when the flow has not come that far. Raises DependencyUnavailable.
    """
    with transactions.read(call) as tx:
        if product_changes.gallery_flow(tx, product_id) != flow_id:
            return
    galleries.detach_all(call, product_id=product_id, store_id=store_id)
    with transactions.write(call) as tx:
        row = product_changes.lock(tx, product_id, store_id=store_id)
        assert row, "a product is never taken out of its table"
        change = audit.Change(product_id, _remove_gallery(tx, row), _DELETED)
        audit.write_rows(tx, action="product.delete", changes=[change])


def _remove_gallery(tx: Tx, row: OwnProduct) -> dict[str, object]:
    """Delete the gallery of a deleted product; returns what the audit log keeps of both."""
    before = {
        "sku": row.sku,
        "title": row.title,
        "price_cents": row.price_cents,
        "coa_media_id": str(row.coa_media_id) if row.coa_media_id else None,
        "media_ids": [str(media_id) for media_id in products.media_ids_of(tx, row.id)],
    }
    product_changes.remove_media(tx, row.id)
    return before
