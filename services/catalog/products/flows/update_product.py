"""Change a product: attach its new files in media, then record everything. Both steps are safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meshkit.errors import MeshError, NotFound, StateConflict
from meshkit.text import tidy_code
from services.catalog.errors import SkuTaken
from services.catalog.products.data import product_changes, products
from services.catalog.products.domain.product import check_quantities, check_tiers
from services.catalog.products.flows.attach_gallery import attach_coa, attach_gallery
from services.catalog.products.flows.restore_gallery import restore_gallery
from services.catalog.products.usecases import update_product as record
from services.catalog.products.usecases.read_product import ProductDetail, read_product
from services.catalog.stock.usecases.set_inventory import set_inventory

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.catalog.outbound.ports import Galleries
    from services.catalog.products.domain.product import ProductChange

_FIELD = "gallery.media_ids"


def update_product(
    flow: Flow,
    change: ProductChange,
    *,
    product_id: uuid.UUID,
    galleries: Galleries,
    respond: Callable[[ProductDetail], Message],
) -> Message:
    """Return the changed product's answer.

    Raises NotFound, ValidationError, MediaUnusable, SkuTaken, and StateConflict when another call began to change the
    files meanwhile; then those that the product shows are attached again.
    """
    check_tiers(change.tiers or ())
    if not change.has_files:
        with flow.transaction() as tx:
            return _record(flow, tx, change, product_id=product_id, files=None, respond=respond)
    with flow.transaction() as tx:
        _begin(tx, change, product_id, flow)
    try:
        files = None
        if change.media_ids is not None:
            files = attach_gallery(
                flow, product_id=product_id, media_ids=change.media_ids, galleries=galleries, field=_FIELD
            )
        if "coa_media_id" in change.columns:
            attach_coa(flow, product_id=product_id, media_id=change.columns["coa_media_id"], galleries=galleries)
        with flow.transaction() as tx:
            _check_still_ours(tx, product_id, flow)
            return _record(flow, tx, change, product_id=product_id, files=files, respond=respond)
    except MeshError as error:
        if not error.retryable:
            restore_gallery(
                flow.transactions,
                flow.call,
                product_id=product_id,
                store_id=flow.principal.require_store,
                flow_id=flow.id,
                galleries=galleries,
            )
        raise


def _begin(tx: Tx, change: ProductChange, product_id: uuid.UUID, flow: Flow) -> None:
    """Refuse what would be refused at the end, before any file is attached."""
    store_id = flow.principal.require_store
    row = product_changes.lock(tx, product_id, store_id=store_id)
    if row is None or row.deleted_at is not None:
        raise NotFound
    columns = change.columns
    check_quantities(moq=columns.get("moq", row.moq), max_qty=columns.get("max_qty", row.max_qty))
    sku = columns.get("sku", row.sku)
    if sku not in {row.sku, tidy_code(row.sku)} and products.is_sku_taken(tx, store_id=store_id, sku=sku):
        raise SkuTaken(field="sku")
    product_changes.claim_gallery(tx, product_id, flow_id=flow.id)


def _check_still_ours(tx: Tx, product_id: uuid.UUID, flow: Flow) -> None:
    row = product_changes.lock(tx, product_id, store_id=flow.principal.require_store)
    if row is None or row.deleted_at is not None:
        raise NotFound
    if row.gallery_flow != flow.id:
        raise StateConflict("Somebody else changes the gallery of this product.", state="changing")


def _record(
    flow: Flow,
    tx: Tx,
    change: ProductChange,
    *,
    product_id: uuid.UUID,
    files: Sequence[tuple[uuid.UUID, str]] | None,
    respond: Callable[[ProductDetail], Message],
) -> Message:
    record.update_product(tx, change, product_id=product_id, files=files)
    if change.available_qty is not None or change.low_stock_threshold is not None:
        set_inventory(
            tx,
            product_id=product_id,
            available_qty=change.available_qty,
            low_stock_threshold=change.low_stock_threshold,
            field="inventory.available_qty",
        )
    return flow.complete(tx, respond(read_product(tx, product_id=product_id)))
